// Small system calls that Node does not offer.
#pragma once

#include <napi.h>

namespace wiretrail {

// `realtimeNs()`: CLOCK_REALTIME in nanoseconds, the clock of the kernel's packet time stamps.
Napi::Value RealtimeNs(const Napi::CallbackInfo& info);

// `openEventFd()`: a descriptor that any thread may write to (eight bytes) to end a wait for rings. It is closed when its
// thread ends.
Napi::Value OpenEventFd(const Napi::CallbackInfo& info);

// `closeEventFd(fd)`, for a descriptor of `openEventFd` only, and by the same thread.
void CloseEventFd(const Napi::CallbackInfo& info);

// `pinThread(cpu)`: restricts the calling thread to one CPU.
void PinThread(const Napi::CallbackInfo& info);

// `setNetns(path)`: moves the calling thread into a network namespace. For tests and the lab.
void SetNetns(const Napi::CallbackInfo& info);

// `peerCredentials(fd)`: who connected a Unix stream socket, as `{ pid, uid, gid }`: SO_PEERCRED of unix(7).
Napi::Value PeerCredentials(const Napi::CallbackInfo& info);

}  // namespace wiretrail
