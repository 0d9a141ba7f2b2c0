// The JavaScript class `Ring`. Its interface is `NativeRing` in src/capture/live/addon.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "packet_ring.h"

namespace wiretrail {

class RingObject : public Napi::ObjectWrap<RingObject> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit RingObject(const Napi::CallbackInfo& info);
  ~RingObject() override;

  // Module function `waitAny(rings, wakeFd, timeoutMs)`.
  static Napi::Value WaitAny(const Napi::CallbackInfo& info);

 private:
  Napi::Value Socket(const Napi::CallbackInfo& info);
  Napi::Value InterfaceIndex(const Napi::CallbackInfo& info);
  Napi::Value HardwareType(const Napi::CallbackInfo& info);
  Napi::Value Buffer(const Napi::CallbackInfo& info);
  Napi::Value LastError(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value ReadLink(const Napi::CallbackInfo& info);
  void SetFilter(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // True when the ring is open; else an exception is pending.
  bool Require(Napi::Env env) const;
  void RemoveCleanupHook();

  // Also held by the external buffer's finalizer, so that a forgotten ring lives as long as a view of it.
  std::shared_ptr<PacketRing> ring_;
  Napi::Reference<Napi::ArrayBuffer> buffer_;
  napi_env env_;
  bool hooked_ = false;
};

}  // namespace wiretrail
