// Entry of the addon: what JavaScript sees. See README.md.
#include <napi.h>

#include "ring_object.h"
#include "system.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("Ring", wiretrail::RingObject::Define(env));
  exports.Set("waitAny", Napi::Function::New<wiretrail::RingObject::WaitAny>(env, "waitAny"));
  exports.Set("realtimeNs", Napi::Function::New<wiretrail::RealtimeNs>(env, "realtimeNs"));
  exports.Set("openEventFd", Napi::Function::New<wiretrail::OpenEventFd>(env, "openEventFd"));
  exports.Set("closeEventFd", Napi::Function::New<wiretrail::CloseEventFd>(env, "closeEventFd"));
  exports.Set("pinThread", Napi::Function::New<wiretrail::PinThread>(env, "pinThread"));
  exports.Set("setNetns", Napi::Function::New<wiretrail::SetNetns>(env, "setNetns"));
  exports.Set("peerCredentials", Napi::Function::New<wiretrail::PeerCredentials>(env, "peerCredentials"));
  return exports;
}

}  // namespace

NODE_API_MODULE(wiretrail_ring, Init)
