/** What clients and servers said in the recorded scenarios: the material that the fuzz campaigns mutate. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openFiles } from '#src/capture/files/file.js';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import { STREAM_KEEP, type StreamReceiver, type StreamWish } from '#src/contracts/stream.js';
import { PacketView } from '#src/contracts/view.js';
import { Decoder } from '#src/decode/decoder.js';
import { DECODE_TCP } from '#src/decode/layers.js';
import { newDriverCounters } from '#src/protocols/sdk/counters.js';
import { Driver } from '#src/protocols/sdk/driver.js';
import { connectionInfo, type Turn } from '#src/protocols/sdk/testkit.js';
import { Reassembler } from '#src/reassembly/reassembler.js';
import { findGoldens } from '../golden/goldens.ts';

const POLL_MS = 250;

/** One frame of a conversation, so that frames can be lost, doubled and moved as units. */
export interface Piece extends Turn {
  readonly direction: 0 | 1;
}

/** The conversations of a protocol's recorded scenarios, each as the frames its module sees. */
export async function recordedConversations(module: ProtocolModule): Promise<readonly (readonly Piece[])[]> {
  const found: Piece[][] = [];
  for (const { name, capture } of findGoldens()) {
    if (name.startsWith(`${module.name}/`)) found.push(...(await conversationsOf(module, capture)));
  }
  return found;
}

/** The conversations of one capture. */
export async function conversationsOf(module: ProtocolModule, capture: string): Promise<Piece[][]> {
  return (await turnsOf(capture)).map((turns) => piecesOf(module, turns));
}

/** The connections of a capture. */
async function turnsOf(capture: string): Promise<Turn[][]> {
  const bySlot = new Map<number, Turn[]>();
  const reassembler = new Reassembler({ flowsMax: 1024 });
  const receiver: StreamReceiver = {
    onData(slot, side, bytes, start, end): StreamWish {
      const turns = bySlot.get(slot) ?? [];
      bySlot.set(slot, turns);
      const direction = side === reassembler.clientSide(slot) ? 0 : 1;
      turns.push({ direction, bytes: bytes.slice(start, end) });
      return STREAM_KEEP;
    },
    onGap: () => STREAM_KEEP,
    onEnd(slot) {
      const turns = bySlot.get(slot);
      if (turns) ended.push(turns);
      bySlot.delete(slot);
    },
  };
  const ended: Turn[][] = [];
  reassembler.setReceiver(receiver);
  const decoder = new Decoder();
  const view = new PacketView();
  const source = openFiles([capture]);
  while (!source.ended) {
    const batch = source.poll(POLL_MS);
    for (let i = 0; batch && i < batch.count; i++) {
      if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
    }
    if (batch) source.release(batch);
    await nextTurn();
  }
  reassembler.flush(0);
  source.close();
  return ended;
}

/** Cuts turns where the module's frames end: what is left over, or opaque, stays whole. */
function piecesOf(module: ProtocolModule, turns: readonly Turn[]): Piece[] {
  const lengths: number[] = [];
  const noting: ProtocolModule = {
    ...module,
    onFrame(session, direction, frame, cursor, sink) {
      lengths.push(frame.length);
      return module.onFrame(session, direction, frame, cursor, sink);
    },
  };
  const session = noting.open(connectionInfo(module.name));
  const driver = new Driver(noting, session, { emit: () => {} }, newDriverCounters(), false);
  const pieces: Piece[] = [];
  for (const { direction, bytes } of turns) {
    lengths.length = 0;
    driver.data(direction, bytes, 0, bytes.length, 1);
    let at = 0;
    for (const length of lengths) {
      if (at + length >= bytes.length) break;
      pieces.push({ direction, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
    pieces.push({ direction, bytes: bytes.subarray(at) });
  }
  return pieces;
}
