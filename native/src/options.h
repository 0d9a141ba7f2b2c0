// JavaScript values to ring options.
#pragma once

#include <linux/filter.h>
#include <napi.h>

#include <vector>

#include "packet_ring.h"

namespace wiretrail {

// Reads the options object of `new Ring(options)`. False, with a JavaScript exception pending, when something has the
// wrong type; ranges are checked in TypeScript.
bool ReadRingOptions(const Napi::Value& value, RingOptions* options);

// Reads classic BPF instructions, eight bytes each, from a Uint8Array.
bool ReadProgram(const Napi::Value& value, std::vector<sock_filter>* program);

// Throws an Error with the properties `errno` and `syscall`.
void ThrowOsError(Napi::Env env, const OsError& error);

}  // namespace wiretrail
