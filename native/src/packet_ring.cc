#include "packet_ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// Newer than the headers of some distributions that Wiretrail is built on.
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

namespace wiretrail {
namespace {

constexpr OsError kNoError{};

OsError Failed(const char* call) { return OsError{errno, call}; }

template <typename T>
OsError SetOption(int socket, int level, int option, const T& value, const char* call) {
  if (setsockopt(socket, level, option, &value, sizeof(value)) != 0) return Failed(call);
  return kNoError;
}

ifreq RequestFor(const std::string& name) {
  ifreq request{};
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  return request;
}

sock_fprog ProgramOf(const std::vector<sock_filter>& instructions) {
  // The kernel only reads the instructions; its structure predates const.
  return sock_fprog{static_cast<unsigned short>(instructions.size()), const_cast<sock_filter*>(instructions.data())};
}

}  // namespace

OsError PacketRing::Open(const RingOptions& options) {
  const OsError error = Configure(options);
  if (error.code != 0) Close();
  return error;
}

OsError PacketRing::Configure(const RingOptions& options) {
  interface_name_ = options.interface_name;
  // Protocol 0: nothing is received before the filter, the ring and the interface are set.
  socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return Failed("socket");
  OsError error = FindInterface();
  if (error.code != 0) return error;
  error = SetOption(socket_, SOL_PACKET, PACKET_VERSION, static_cast<int>(TPACKET_V3), "PACKET_VERSION");
  if (error.code != 0) return error;
  if (options.ignore_outgoing) {
    error = SetOption(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
    if (error.code != 0) return error;
  }
  if (!options.filter.empty()) {
    error = SetFilter(options.filter);
    if (error.code != 0) return error;
  }
  error = MapRing(options);
  if (error.code != 0) return error;
  error = Bind();
  if (error.code != 0) return error;
  if (options.promiscuous) {
    packet_mreq request{};
    request.mr_ifindex = interface_index_;
    request.mr_type = PACKET_MR_PROMISC;
    error = SetOption(socket_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, "PACKET_ADD_MEMBERSHIP");
    if (error.code != 0) return error;
  }
  if (options.fanout) {
    error = JoinFanout(*options.fanout, options.ignore_outgoing);
    if (error.code != 0) return error;
  }
  // What came between bind and here counts from zero, like everything after.
  RingStats discarded;
  error = ReadStats(&discarded);
  stats_ = RingStats{};
  return error;
}

OsError PacketRing::FindInterface() {
  if (interface_name_.empty() || interface_name_.size() >= IFNAMSIZ) return OsError{ENODEV, "interface"};
  ifreq request = RequestFor(interface_name_);
  if (ioctl(socket_, SIOCGIFINDEX, &request) != 0) return Failed("interface");
  interface_index_ = request.ifr_ifindex;
  request = RequestFor(interface_name_);
  if (ioctl(socket_, SIOCGIFHWADDR, &request) != 0) return Failed("interface");
  hardware_type_ = request.ifr_hwaddr.sa_family;
  return kNoError;
}

OsError PacketRing::MapRing(const RingOptions& options) {
  tpacket_req3 request{};
  request.tp_block_size = options.block_bytes;
  request.tp_block_nr = options.block_count;
  request.tp_frame_size = options.frame_bytes;
  request.tp_frame_nr = options.block_bytes / options.frame_bytes * options.block_count;
  request.tp_retire_blk_tov = options.retire_ms;
  const OsError error = SetOption(socket_, SOL_PACKET, PACKET_RX_RING, request, "PACKET_RX_RING");
  if (error.code != 0) return error;
  const size_t bytes = static_cast<size_t>(options.block_bytes) * options.block_count;
  void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, socket_, 0);
  if (mapping == MAP_FAILED) return Failed("mmap");
  mapping_ = mapping;
  mapping_bytes_ = bytes;
  return kNoError;
}

OsError PacketRing::Bind() {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface_index_;
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return Failed("bind");
  return kNoError;
}

OsError PacketRing::JoinFanout(const FanoutOptions& fanout, bool ignore_outgoing) {
  uint32_t mode = fanout.type == FanoutType::kClassicBpf ? PACKET_FANOUT_CBPF : PACKET_FANOUT_HASH;
  if (fanout.defrag) mode |= PACKET_FANOUT_FLAG_DEFRAG;
  // In a group the socket's own PACKET_IGNORE_OUTGOING has no effect.
  if (ignore_outgoing) mode |= PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
  const uint32_t argument = fanout.group | (mode << 16);
  const OsError error = SetOption(socket_, SOL_PACKET, PACKET_FANOUT, argument, "PACKET_FANOUT");
  if (error.code != 0 || fanout.type != FanoutType::kClassicBpf) return error;
  return SetOption(socket_, SOL_PACKET, PACKET_FANOUT_DATA, ProgramOf(fanout.program), "PACKET_FANOUT_DATA");
}

void PacketRing::Close() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
  mapping_ = nullptr;
  mapping_bytes_ = 0;
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

OsError PacketRing::SetFilter(const std::vector<sock_filter>& program) {
  if (!program.empty()) return SetOption(socket_, SOL_SOCKET, SO_ATTACH_FILTER, ProgramOf(program), "SO_ATTACH_FILTER");
  const OsError error = SetOption(socket_, SOL_SOCKET, SO_DETACH_FILTER, 0, "SO_DETACH_FILTER");
  // ENOENT: there was none.
  return error.code == ENOENT ? kNoError : error;
}

OsError PacketRing::ReadStats(RingStats* stats) {
  tpacket_stats_v3 since_last{};
  socklen_t length = sizeof(since_last);
  if (getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &since_last, &length) != 0) return Failed("PACKET_STATISTICS");
  stats_.packets += since_last.tp_packets;
  stats_.drops += since_last.tp_drops;
  stats_.freezes += since_last.tp_freeze_q_cnt;
  *stats = stats_;
  return kNoError;
}

LinkState PacketRing::ReadLinkState() const {
  LinkState state;
  // Asked through this socket: the thread may live in another network namespace by now.
  ifreq request = RequestFor(interface_name_);
  if (ioctl(socket_, SIOCGIFINDEX, &request) != 0) return state;
  state.index = request.ifr_ifindex;
  request = RequestFor(interface_name_);
  if (ioctl(socket_, SIOCGIFFLAGS, &request) != 0) return state;
  state.up = (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
  return state;
}

void PacketRing::TakeSocketError() {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0) last_error_ = error;
}

uint32_t WaitForRings(const std::vector<PacketRing*>& rings, int wake_fd, int timeout_ms) {
  std::vector<pollfd> polled;
  polled.reserve(rings.size() + 1);
  for (const PacketRing* ring : rings) polled.push_back(pollfd{ring->socket(), POLLIN | POLLERR, 0});
  // poll ignores a negative descriptor.
  polled.push_back(pollfd{wake_fd, POLLIN, 0});
  // -1 is EINTR: the caller returns to its event loop, where signal handlers run.
  if (poll(polled.data(), polled.size(), timeout_ms) <= 0) return 0;
  uint32_t found = 0;
  for (size_t i = 0; i < rings.size(); i++) {
    if ((polled[i].revents & POLLIN) != 0) found |= kWaitReadable;
    if ((polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      // Without this the error stays set and every later poll returns at once.
      rings[i]->TakeSocketError();
      found |= kWaitError;
    }
  }
  if ((polled.back().revents & POLLIN) != 0) {
    uint64_t wakes = 0;
    if (read(wake_fd, &wakes, sizeof(wakes)) > 0) found |= kWaitWoken;
  }
  return found;
}

}  // namespace wiretrail
