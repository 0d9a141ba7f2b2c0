#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "options.h"

namespace wiretrail {
namespace {

// The descriptor itself is the hook's argument: nothing to allocate or free.
void* HookArgument(int fd) { return reinterpret_cast<void*>(static_cast<intptr_t>(fd)); }

void CloseAtExit(void* argument) { close(static_cast<int>(reinterpret_cast<intptr_t>(argument))); }

}  // namespace

Napi::Value RealtimeNs(const Napi::CallbackInfo& info) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t nanoseconds = static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  return Napi::BigInt::New(info.Env(), nanoseconds);
}

Napi::Value OpenEventFd(const Napi::CallbackInfo& info) {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    ThrowOsError(info.Env(), OsError{errno, "eventfd"});
    return info.Env().Undefined();
  }
  // If this fails, a terminated worker leaves one descriptor open: no reason not to capture.
  (void)napi_add_env_cleanup_hook(info.Env(), CloseAtExit, HookArgument(fd));
  return Napi::Number::New(info.Env(), fd);
}

void CloseEventFd(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) return;
  const int fd = info[0].As<Napi::Number>().Int32Value();
  (void)napi_remove_env_cleanup_hook(info.Env(), CloseAtExit, HookArgument(fd));
  close(fd);
}

void PinThread(const Napi::CallbackInfo& info) {
  const uint32_t cpu = info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : CPU_SETSIZE;
  if (cpu >= CPU_SETSIZE) {
    Napi::RangeError::New(info.Env(), "cpu").ThrowAsJavaScriptException();
    return;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) ThrowOsError(info.Env(), OsError{errno, "sched_setaffinity"});
}

void SetNetns(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) {
    Napi::TypeError::New(info.Env(), "path").ThrowAsJavaScriptException();
    return;
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    ThrowOsError(info.Env(), OsError{errno, "open"});
    return;
  }
  const int result = setns(fd, CLONE_NEWNET);
  const int code = errno;
  close(fd);
  if (result != 0) ThrowOsError(info.Env(), OsError{code, "setns"});
}

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "fd").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(info[0].As<Napi::Number>().Int32Value(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    ThrowOsError(env, OsError{errno, "getsockopt"});
    return env.Undefined();
  }
  Napi::Object credentials = Napi::Object::New(env);
  credentials.Set("pid", Napi::Number::New(env, peer.pid));
  credentials.Set("uid", Napi::Number::New(env, peer.uid));
  credentials.Set("gid", Napi::Number::New(env, peer.gid));
  return credentials;
}

}  // namespace wiretrail
