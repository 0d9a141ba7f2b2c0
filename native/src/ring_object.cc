#include "ring_object.h"

#include <vector>

#include "options.h"

namespace wiretrail {
namespace {

// The thread or process ends: its memory goes, its sockets must too.
void CloseAtExit(void* ring) { static_cast<PacketRing*>(ring)->Close(); }

int IntegerOf(const Napi::Value& value, int otherwise) {
  return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : otherwise;
}

}  // namespace

Napi::Function RingObject::Define(Napi::Env env) {
  return DefineClass(env, "Ring",
                     {
                         InstanceAccessor<&RingObject::Socket>("fd"),
                         InstanceAccessor<&RingObject::InterfaceIndex>("ifindex"),
                         InstanceAccessor<&RingObject::HardwareType>("hardwareType"),
                         InstanceMethod<&RingObject::Buffer>("buffer"),
                         InstanceMethod<&RingObject::LastError>("lastError"),
                         InstanceMethod<&RingObject::Stats>("stats"),
                         InstanceMethod<&RingObject::ReadLink>("linkState"),
                         InstanceMethod<&RingObject::SetFilter>("setFilter"),
                         InstanceMethod<&RingObject::Close>("close"),
                     });
}

RingObject::RingObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RingObject>(info), ring_(std::make_shared<PacketRing>()), env_(info.Env()) {
  RingOptions options;
  if (!ReadRingOptions(info[0], &options)) return;
  const OsError error = ring_->Open(options);
  if (error.code != 0) {
    ThrowOsError(info.Env(), error);
    return;
  }
  hooked_ = napi_add_env_cleanup_hook(env_, CloseAtExit, ring_.get()) == napi_ok;
}

RingObject::~RingObject() { RemoveCleanupHook(); }

void RingObject::RemoveCleanupHook() {
  if (hooked_) napi_remove_env_cleanup_hook(env_, CloseAtExit, ring_.get());
  hooked_ = false;
}

bool RingObject::Require(Napi::Env env) const {
  if (!ring_->closed()) return true;
  Napi::Error::New(env, "the ring is closed").ThrowAsJavaScriptException();
  return false;
}

Napi::Value RingObject::Socket(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), ring_->socket()); }

Napi::Value RingObject::InterfaceIndex(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ring_->interface_index());
}

Napi::Value RingObject::HardwareType(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ring_->hardware_type());
}

Napi::Value RingObject::Buffer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Require(env)) return env.Undefined();
  // Two buffers over the same memory are not allowed: the first is kept.
  if (!buffer_.IsEmpty()) return buffer_.Value();
  auto* held = new std::shared_ptr<PacketRing>(ring_);
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
      env, ring_->data(), ring_->size(),
      [](Napi::BasicEnv, void*, std::shared_ptr<PacketRing>* holder) { delete holder; }, held);
  buffer_ = Napi::Persistent(buffer);
  return buffer;
}

Napi::Value RingObject::WaitAny(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) {
    Napi::TypeError::New(env, "rings").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::Array array = info[0].As<Napi::Array>();
  std::vector<PacketRing*> rings;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value element = array.Get(i);
    RingObject* object = element.IsObject() ? Unwrap(element.As<Napi::Object>()) : nullptr;
    if (object == nullptr || !object->Require(env)) return env.Undefined();
    rings.push_back(object->ring_.get());
  }
  return Napi::Number::New(env, WaitForRings(rings, IntegerOf(info[1], -1), IntegerOf(info[2], 0)));
}

Napi::Value RingObject::LastError(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ring_->last_error());
}

Napi::Value RingObject::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Require(env)) return env.Undefined();
  RingStats stats;
  const OsError error = ring_->ReadStats(&stats);
  if (error.code != 0) {
    ThrowOsError(env, error);
    return env.Undefined();
  }
  const Napi::Object object = Napi::Object::New(env);
  object.Set("packets", Napi::BigInt::New(env, stats.packets));
  object.Set("drops", Napi::BigInt::New(env, stats.drops));
  object.Set("freezes", Napi::BigInt::New(env, stats.freezes));
  return object;
}

Napi::Value RingObject::ReadLink(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Require(env)) return env.Undefined();
  const LinkState state = ring_->ReadLinkState();
  const Napi::Object object = Napi::Object::New(env);
  object.Set("ifindex", Napi::Number::New(env, state.index));
  object.Set("up", Napi::Boolean::New(env, state.up));
  return object;
}

void RingObject::SetFilter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<sock_filter> program;
  if (!Require(env) || !ReadProgram(info[0], &program)) return;
  const OsError error = ring_->SetFilter(program);
  if (error.code != 0) ThrowOsError(env, error);
}

void RingObject::Close(const Napi::CallbackInfo& info) {
  // Detached first, so that every view has length 0 before its memory goes: reading an unmapped view would crash.
  if (!buffer_.IsEmpty()) {
    Napi::ArrayBuffer buffer = buffer_.Value();
    if (!buffer.IsDetached()) buffer.Detach();
    if (!buffer.IsDetached()) {
      Napi::Error::New(info.Env(), "the ring's buffer cannot be detached").ThrowAsJavaScriptException();
      return;
    }
    buffer_.Reset();
  }
  RemoveCleanupHook();
  ring_->Close();
}

}  // namespace wiretrail
