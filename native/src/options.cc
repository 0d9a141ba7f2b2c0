#include "options.h"

#include <string.h>

#include <string>

namespace wiretrail {
namespace {

bool Reject(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return false;
}

bool ReadUint32(const Napi::Object& object, const char* name, uint32_t* out) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) return Reject(object.Env(), name);
  *out = value.As<Napi::Number>().Uint32Value();
  return true;
}

bool ReadBool(const Napi::Object& object, const char* name, bool* out) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) return Reject(object.Env(), name);
  *out = value.As<Napi::Boolean>().Value();
  return true;
}

bool ReadString(const Napi::Object& object, const char* name, std::string* out) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) return Reject(object.Env(), name);
  *out = value.As<Napi::String>().Utf8Value();
  return true;
}

bool ReadFanout(const Napi::Object& object, FanoutOptions* fanout) {
  uint32_t group = 0;
  std::string type;
  if (!ReadUint32(object, "group", &group) || !ReadString(object, "type", &type) ||
      !ReadBool(object, "defrag", &fanout->defrag)) {
    return false;
  }
  fanout->group = static_cast<uint16_t>(group);
  if (type == "hash") return true;
  if (type != "cbpf") return Reject(object.Env(), "type");
  fanout->type = FanoutType::kClassicBpf;
  return ReadProgram(object.Get("program"), &fanout->program);
}

}  // namespace

bool ReadRingOptions(const Napi::Value& value, RingOptions* options) {
  if (!value.IsObject()) return Reject(value.Env(), "options");
  const Napi::Object object = value.As<Napi::Object>();
  if (!ReadString(object, "ifname", &options->interface_name) ||
      !ReadUint32(object, "blockSize", &options->block_bytes) ||
      !ReadUint32(object, "blockCount", &options->block_count) ||
      !ReadUint32(object, "frameSize", &options->frame_bytes) ||
      !ReadUint32(object, "retireMs", &options->retire_ms) || !ReadBool(object, "promisc", &options->promiscuous) ||
      !ReadBool(object, "ignoreOutgoing", &options->ignore_outgoing)) {
    return false;
  }
  // A division follows.
  if (options->frame_bytes == 0) return Reject(value.Env(), "frameSize");
  const Napi::Value filter = object.Get("filter");
  if (!filter.IsUndefined() && !ReadProgram(filter, &options->filter)) return false;
  const Napi::Value fanout = object.Get("fanout");
  if (fanout.IsUndefined()) return true;
  if (!fanout.IsObject()) return Reject(value.Env(), "fanout");
  return ReadFanout(fanout.As<Napi::Object>(), &options->fanout.emplace());
}

bool ReadProgram(const Napi::Value& value, std::vector<sock_filter>* program) {
  if (!value.IsTypedArray()) return Reject(value.Env(), "program");
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  const size_t bytes = array.ByteLength();
  if (array.TypedArrayType() != napi_uint8_array || bytes % sizeof(sock_filter) != 0 ||
      bytes / sizeof(sock_filter) > BPF_MAXINSNS) {
    return Reject(value.Env(), "program");
  }
  program->resize(bytes / sizeof(sock_filter));
  if (bytes > 0) {
    const auto* data = static_cast<const uint8_t*>(array.ArrayBuffer().Data());
    memcpy(program->data(), data + array.ByteOffset(), bytes);
  }
  return true;
}

void ThrowOsError(Napi::Env env, const OsError& error) {
  const std::string message = std::string(error.call) + ": " + strerror(error.code);
  const Napi::Error exception = Napi::Error::New(env, message);
  exception.Value().Set("errno", Napi::Number::New(env, error.code));
  exception.Value().Set("syscall", Napi::String::New(env, error.call));
  exception.ThrowAsJavaScriptException();
}

}  // namespace wiretrail
