// A TPACKET_V3 receive ring: Linux only, no JavaScript. Kernel documentation: networking/packet_mmap.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wiretrail {

// A failed system call. `code` is an errno value; 0 means no error.
struct OsError {
  int code = 0;
  const char* call = "";
};

enum class FanoutType { kHash, kClassicBpf };

struct FanoutOptions {
  uint16_t group = 0;
  FanoutType type = FanoutType::kHash;
  bool defrag = false;
  // Chooses the member for kClassicBpf.
  std::vector<sock_filter> program;
};

struct RingOptions {
  std::string interface_name;
  uint32_t block_bytes = 0;
  uint32_t block_count = 0;
  uint32_t frame_bytes = 0;
  uint32_t retire_ms = 0;
  bool promiscuous = false;
  bool ignore_outgoing = false;
  std::vector<sock_filter> filter;
  std::optional<FanoutOptions> fanout;
};

// Counted since the ring was opened. `packets` includes `drops`.
struct RingStats {
  uint64_t packets = 0;
  uint64_t drops = 0;
  uint64_t freezes = 0;
};

struct LinkState {
  // 0 when no interface has the name now.
  int index = 0;
  bool up = false;
};

class PacketRing {
 public:
  PacketRing() = default;
  ~PacketRing() { Close(); }
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // Leaves the ring closed when it fails.
  OsError Open(const RingOptions& options);

  // Unmaps, then closes: without the unmapping the kernel would keep the socket, and go on filling the ring. Nobody may
  // read the mapping any more. Idempotent.
  void Close();

  bool closed() const { return socket_ < 0; }
  int socket() const { return socket_; }
  int interface_index() const { return interface_index_; }
  // ARPHRD_* of the interface.
  int hardware_type() const { return hardware_type_; }
  void* data() const { return mapping_; }
  size_t size() const { return mapping_bytes_; }

  // Replaces the socket filter; an empty program accepts everything.
  OsError SetFilter(const std::vector<sock_filter>& program);
  // The kernel clears its counters when they are read; these add up.
  OsError ReadStats(RingStats* stats);
  LinkState ReadLinkState() const;

  // Reads and clears the socket's pending error; remembers it for last_error().
  void TakeSocketError();
  int last_error() const { return last_error_; }

 private:
  OsError Configure(const RingOptions& options);
  OsError FindInterface();
  OsError MapRing(const RingOptions& options);
  OsError Bind();
  OsError JoinFanout(const FanoutOptions& fanout, bool ignore_outgoing);

  std::string interface_name_;
  int socket_ = -1;
  int interface_index_ = 0;
  int hardware_type_ = 0;
  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  RingStats stats_;
  int last_error_ = 0;
};

// What a wait found, as bits.
constexpr uint32_t kWaitReadable = 1;
constexpr uint32_t kWaitWoken = 2;
constexpr uint32_t kWaitError = 4;

// Waits until one of the rings (all open; there may be none) has a block or fails, or until `wake_fd`, an eventfd, was
// written to, which is taken back. 0 when the time is up or a signal came.
uint32_t WaitForRings(const std::vector<PacketRing*>& rings, int wake_fd, int timeout_ms);

}  // namespace wiretrail
