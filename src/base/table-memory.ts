/**
 * Memory of tables that are taken whole when the program starts, and kept: of flows, timers, held bytes. V8 charges an
 * ordinary array buffer to the collector, and a hundred megabytes at once make it collect four times before the first
 * packet, one of them all of the heap: a sixth of the time that a short replay takes. Shared buffers are not charged, and
 * are read by the same machine code. Backed by the operating system when they are first written.
 */
export function uint8Table(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

export function int32Table(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

export function float64Table(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
