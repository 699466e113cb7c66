-- Load on a served gate: wrk -t1 -c4 -d30s --latency -s examples/deploy/decide.lua http://127.0.0.1:8710/v1/decide -- REQUEST [TOKEN]
-- wrk counts answers that aren't decisions by itself, as "Non-2xx or 3xx responses".
function init(args)
   local file = assert(io.open(args[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   wrk.headers["Content-Type"] = "application/json"
   if args[2] then wrk.headers["Authorization"] = "Bearer " .. args[2] end
end
