/**
 * From a captured frame to the innermost TCP segment.
 *
 * The walk is a loop over layer functions (`layers.ts`), bounded by `LAYERS_MAX`; no recursion, no allocation, no
 * exception. The counters add up: `frames` is the sum of all verdicts.
 */
import type { Counters } from '../base/counters.ts';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_INTERFACE,
  DESCRIPTOR_LINK,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_VLAN,
  DESCRIPTOR_WIRE_BYTES,
  DESCRIPTOR_WORDS,
  LINK_ETHERNET,
  type PacketBatch,
  VLAN_PRESENT,
} from '../contracts/packet.ts';
import { type PacketView, TUNNEL_NONE } from '../contracts/view.ts';
import { type FragmentCounters, type FragmentOptions, Fragments, newFragmentCounters } from './fragments.ts';
import { ip, ipv4, ipv6, protocol, tcp } from './ip.ts';
import {
  DECODE_CUT,
  DECODE_FRAGMENT,
  DECODE_LINK_UNKNOWN,
  DECODE_MALFORMED,
  DECODE_NOT_TCP,
  DECODE_TCP,
  DECODE_TOO_DEEP,
  type DecodeVerdict,
  Frame,
  LAYER_ERSPAN_2,
  LAYER_ERSPAN_3,
  LAYER_ETHERNET,
  LAYER_ETHERTYPE,
  LAYER_FIRST,
  LAYER_FRAGMENT,
  LAYER_GRE,
  LAYER_IP,
  LAYER_IPV4,
  LAYER_IPV6,
  LAYER_MPLS,
  LAYER_PPP,
  LAYER_PROTOCOL,
  LAYER_TCP,
  LAYER_UDP,
  LAYERS_MAX,
} from './layers.ts';
import { ethernet, ethertype, linkLayer, mpls, ppp, setVlan } from './link.ts';
import { plainTcp } from './plain.ts';
import { erspan2, erspan3, gre, udp } from './tunnel.ts';

export interface DecodeOptions extends FragmentOptions {}

export const DECODE_DEFAULTS: DecodeOptions = { bytesMax: 4 << 20, timeoutUs: 30_000_000 };

export interface DecodeCounters extends Counters, FragmentCounters {
  frames: number;
  tcp: number;
  notTcp: number;
  /** Frames that went into an incomplete datagram (or were dropped on the way). */
  fragment: number;
  cut: number;
  malformed: number;
  tooDeep: number;
  linkUnknown: number;
  /** TCP segments found inside a tunnel. */
  tunnelled: number;
}

export class Decoder {
  readonly counters: DecodeCounters = {
    ...newFragmentCounters(),
    frames: 0,
    tcp: 0,
    notTcp: 0,
    fragment: 0,
    cut: 0,
    malformed: 0,
    tooDeep: 0,
    linkUnknown: 0,
    tunnelled: 0,
  };
  private readonly frame = new Frame();
  /** Of the batches: sources hand over the same bytes again and again. */
  private batchBytes: Uint8Array = this.frame.bytes;
  private batchData: DataView = this.frame.data;
  private readonly fragments: Fragments;

  constructor(options: DecodeOptions = DECODE_DEFAULTS) {
    this.fragments = new Fragments(options, this.counters);
  }

  /**
   * Decodes packet `index` of `batch` into `view`. Only with `DECODE_TCP` is the view complete; its bytes are
   * borrowed until the next call or the batch's release, whichever is first.
   */
  decode(batch: PacketBatch, index: number, view: PacketView): DecodeVerdict {
    const descriptors = batch.descriptors;
    const d = index * DESCRIPTOR_WORDS;
    const start = descriptors[d + DESCRIPTOR_OFFSET] as number;
    const end = start + (descriptors[d + DESCRIPTOR_CAPTURED_BYTES] as number);
    const link = descriptors[d + DESCRIPTOR_LINK] as number;
    if (batch.bytes !== this.batchBytes) this.setBatchBytes(batch.bytes);
    describe(descriptors, d, view);
    this.counters.frames++;
    if (link === LINK_ETHERNET && plainTcp(this.batchBytes, this.batchData, start, end, view)) {
      this.counters.tcp++;
      return DECODE_TCP;
    }
    const verdict = this.walk(this.begin(link, start, end, view.wireBytes), view);
    this.count(verdict, view);
    return verdict;
  }

  private count(verdict: DecodeVerdict, view: PacketView): void {
    const counters = this.counters;
    switch (verdict) {
      case DECODE_TCP:
        counters.tcp++;
        if (view.tunnelKind !== TUNNEL_NONE) counters.tunnelled++;
        break;
      case DECODE_NOT_TCP:
        counters.notTcp++;
        break;
      case DECODE_FRAGMENT:
        counters.fragment++;
        break;
      case DECODE_CUT:
        counters.cut++;
        break;
      case DECODE_MALFORMED:
        counters.malformed++;
        break;
      case DECODE_TOO_DEEP:
        counters.tooDeep++;
        break;
      case DECODE_LINK_UNKNOWN:
        counters.linkUnknown++;
        break;
    }
  }

  /** Sets the frame; answers its first layer. */
  private begin(link: number, start: number, end: number, wireBytes: number): number {
    const frame = this.frame;
    frame.bytes = this.batchBytes;
    frame.data = this.batchData;
    frame.pos = start;
    frame.end = end;
    frame.wireEnd = Math.max(start + wireBytes, end);
    frame.tunnels = 0;
    return link === LINK_ETHERNET ? LAYER_ETHERNET : linkLayer(link, frame);
  }

  private setBatchBytes(bytes: Uint8Array): void {
    this.batchBytes = bytes;
    this.batchData = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  private walk(first: number, view: PacketView): DecodeVerdict {
    const frame = this.frame;
    let layer = first;
    for (let steps = 0; layer >= LAYER_FIRST; steps++) {
      if (steps === LAYERS_MAX) return DECODE_TOO_DEEP;
      switch (layer) {
        case LAYER_ETHERNET:
          layer = ethernet(frame);
          break;
        case LAYER_ETHERTYPE:
          layer = ethertype(frame, view);
          break;
        case LAYER_IPV4:
          layer = ipv4(frame, view);
          break;
        case LAYER_IPV6:
          layer = ipv6(frame, view);
          break;
        case LAYER_TCP:
          layer = tcp(frame, view);
          break;
        default:
          layer = this.unusual(layer, view);
      }
    }
    return layer as DecodeVerdict;
  }

  /** Layers that plain traffic does not have, apart so that the walk above stays small enough to be inlined. */
  private unusual(layer: number, view: PacketView): number {
    const frame = this.frame;
    switch (layer) {
      case LAYER_PROTOCOL:
        return protocol(frame, view);
      case LAYER_UDP:
        return udp(frame, view);
      case LAYER_GRE:
        return gre(frame, view);
      case LAYER_ERSPAN_2:
        return erspan2(frame, view);
      case LAYER_ERSPAN_3:
        return erspan3(frame, view);
      case LAYER_IP:
        return ip(frame);
      case LAYER_MPLS:
        return mpls(frame);
      case LAYER_PPP:
        return ppp(frame);
      case LAYER_FRAGMENT:
        return this.fragments.add(frame, view);
      default:
        return DECODE_MALFORMED;
    }
  }
}

/** Sets all of the view that a descriptor tells. */
function describe(descriptors: Int32Array, d: number, view: PacketView): void {
  const nanoseconds = descriptors[d + DESCRIPTOR_NANOSECONDS] as number;
  const microseconds = (nanoseconds / 1000) | 0;
  view.tsUs = ((descriptors[d + DESCRIPTOR_SECONDS] as number) >>> 0) * 1_000_000 + microseconds;
  view.tsNs = nanoseconds - microseconds * 1000;
  view.wireBytes = descriptors[d + DESCRIPTOR_WIRE_BYTES] as number;
  view.interfaceIndex = descriptors[d + DESCRIPTOR_INTERFACE] as number;
  view.vlanId = -1;
  view.tunnelKind = TUNNEL_NONE;
  view.tunnelId = 0;
  const vlan = descriptors[d + DESCRIPTOR_VLAN] as number;
  if ((vlan & VLAN_PRESENT) !== 0) setVlan(view, vlan);
}
