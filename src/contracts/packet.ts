/**
 * The unit that every packet source hands over: one byte view and a table of descriptors.
 *
 * The bytes are borrowed. They stay valid until `release(batch)`; whoever needs them longer copies them.
 */

/** Words of one packet descriptor in `PacketBatch.descriptors`. */
export const DESCRIPTOR_WORDS = 8;
/** Offset of the first captured byte in `PacketBatch.bytes`. */
export const DESCRIPTOR_OFFSET = 0;
/** Bytes captured (snap length applied). */
export const DESCRIPTOR_CAPTURED_BYTES = 1;
/** Bytes the frame had on the wire. */
export const DESCRIPTOR_WIRE_BYTES = 2;
/** VLAN tag that the kernel stripped: `VLAN_PRESENT | tpid is 0x88a8 ? VLAN_SERVICE : 0 | TCI`; 0 when there is none. */
export const DESCRIPTOR_VLAN = 3;
/** Link type, a `LINK_*` constant. */
export const DESCRIPTOR_LINK = 4;
/** Index of the capturing interface within the source. */
export const DESCRIPTOR_INTERFACE = 5;
/** Capture time: whole seconds since 1970 (unsigned 32 bits). */
export const DESCRIPTOR_SECONDS = 6;
/** Capture time: nanoseconds within the second. */
export const DESCRIPTOR_NANOSECONDS = 7;

export const VLAN_PRESENT: number = 1 << 16;
export const VLAN_SERVICE: number = 1 << 17;

/** Link types, numbered as in the pcap LINKTYPE_ registry. */
export const LINK_NULL = 0;
export const LINK_ETHERNET = 1;
export const LINK_RAW_IP = 101;
export const LINK_LOOP = 108;
export const LINK_LINUX_SLL = 113;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;
export const LINK_LINUX_SLL2 = 276;

export interface PacketBatch {
  /** Everything the descriptors point into. Borrowed until `release`. */
  readonly bytes: Uint8Array;
  /** `DESCRIPTOR_WORDS` words a packet. */
  readonly descriptors: Int32Array;
  readonly count: number;
  /** Frames known to be lost just before this batch (ring only; 0 elsewhere). */
  readonly lostBefore: number;
}

/** What a source knows of its own losses; all counts since it was opened. */
export interface SourceStats {
  packets: number;
  bytes: number;
  /** Frames the kernel dropped because the ring was full. */
  drops: number;
  /** Times the ring froze (its reader was too slow). */
  freezes: number;
  /** Input ended in the middle of a packet (files only). */
  truncatedInputs: number;
  /** Packets of which the capture has only the beginning (snap length), and the bytes that it lacks. */
  cutPackets: number;
  cutBytes: number;
}

export interface PacketSource {
  /** Interface or file names, indexed by `DESCRIPTOR_INTERFACE`. */
  readonly interfaces: readonly string[];
  /** Next batch; `undefined` when `timeoutMs` passed without one, or at the end: see `ended`. */
  poll(timeoutMs: number): PacketBatch | undefined;
  /** Gives the bytes of a batch back. Every polled batch is released before the next poll. */
  release(batch: PacketBatch): void;
  readonly ended: boolean;
  stats(): SourceStats;
  close(): void;
}
