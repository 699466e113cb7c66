// What the .NET page uses of System.Text.Json, for Mono, which hasn't got it. Not part of the page's code.
using System;
using System.Collections.Generic;
using System.Web.Script.Serialization;

namespace System.Text.Json
{
    public enum JsonValueKind { Undefined, Object, Array, String, Number, True, False, Null }

    public class JsonException : Exception { public JsonException(string message) : base(message) { } }

    public struct JsonElement
    {
        private readonly object value;
        public JsonElement(object value) { this.value = value; }
        public JsonValueKind ValueKind
        {
            get
            {
                return value is IDictionary<string, object> ? JsonValueKind.Object : value is object[] ? JsonValueKind.Array
                    : value is string ? JsonValueKind.String : value == null ? JsonValueKind.Null : JsonValueKind.Number;
            }
        }
        public string GetString() { return (string)value; }
        public bool TryGetProperty(string name, out JsonElement found)
        {
            object inner;
            bool there = ((IDictionary<string, object>)value).TryGetValue(name, out inner);
            found = new JsonElement(inner);
            return there;
        }
    }

    public sealed class JsonDocument : IDisposable
    {
        private JsonDocument(object root) { RootElement = new JsonElement(root); }
        public JsonElement RootElement { get; }
        public static JsonDocument Parse(string json)
        {
            if (json.Trim().Length == 0) throw new JsonException("empty");
            try { return new JsonDocument(new JavaScriptSerializer { MaxJsonLength = int.MaxValue }.DeserializeObject(json)); }
            catch (ArgumentException error) { throw new JsonException(error.Message); }
            catch (InvalidOperationException error) { throw new JsonException(error.Message); }
        }
        public void Dispose() { }
    }
}
