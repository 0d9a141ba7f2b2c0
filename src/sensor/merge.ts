/**
 * Brings the records of several shards together in the order of their packets: a record is handed on once every other
 * shard has said that it will send nothing before it. Shards wait when too many of their messages are not taken
 * (`shard-worker.ts`), so what is held here is bounded.
 */
import { compareOrdered } from '../audit/order.ts';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import type { ShardNotice, ShardRecord } from './shard-messages.ts';

interface Message {
  readonly records: readonly ShardRecord[];
  next: number;
}

interface Lane {
  readonly messages: Message[];
  notices: readonly ShardNotice[];
  /** Everything up to this packet has come. */
  position: number;
}

export class ShardMerge {
  private readonly lanes: readonly Lane[];
  private readonly write: (record: ShardRecord) => void;
  private readonly taken: (shard: number) => void;
  private readonly hear: (notice: SessionNotice) => void;

  /**
   * `write` gets the records in order, `taken` a shard's number when one of its messages is done with, `hear` the notices
   * in the order of their packets: before a record is written, those of all packets before it.
   */
  constructor(
    shards: number,
    write: (record: ShardRecord) => void,
    taken: (shard: number) => void,
    hear: (notice: SessionNotice) => void,
  ) {
    this.lanes = Array.from({ length: shards }, () => ({ messages: [], notices: [], position: -1 }));
    this.write = write;
    this.taken = taken;
    this.hear = hear;
  }

  /** A message of a shard: its records and notices up to the packet `position`. `Infinity`: there will be no more. */
  add(
    shard: number,
    position: number,
    records: readonly ShardRecord[],
    notices: readonly ShardNotice[] = NO_NOTICES,
  ): void {
    const lane = this.lanes[shard];
    if (lane === undefined) return;
    lane.position = position;
    if (notices.length > 0) lane.notices = [...lane.notices, ...notices];
    if (records.length > 0) lane.messages.push({ records, next: 0 });
    else this.taken(shard);
    this.run();
    this.tellUpTo(Math.min(...this.lanes.map((each) => each.position)));
  }

  /** Hands on the notices of all packets up to `position`. */
  private tellUpTo(position: number): void {
    const due: ShardNotice[] = [];
    for (const lane of this.lanes) {
      const first = lane.notices[0];
      if (first === undefined || first.position > position) continue;
      const later = lane.notices.findIndex((notice) => notice.position > position);
      const count = later < 0 ? lane.notices.length : later;
      due.push(...lane.notices.slice(0, count));
      lane.notices = lane.notices.slice(count);
    }
    due.sort((a, b) => a.position - b.position);
    for (const { notice } of due) this.hear(notice);
  }

  private run(): void {
    for (;;) {
      const shard = this.first();
      const message = this.lanes[shard]?.messages[0];
      const item = message?.records[message.next];
      if (message === undefined || item === undefined) return;
      if (item.target !== undefined) this.tellUpTo(item.position);
      this.write(item);
      message.next++;
      if (message.next < message.records.length) continue;
      this.lanes[shard]?.messages.shift();
      this.taken(shard);
    }
  }

  /** The shard whose record is next; -1 when one of them may still send an earlier one. */
  private first(): number {
    let first = -1;
    let best: ShardRecord | undefined;
    for (const [shard, { messages }] of this.lanes.entries()) {
      const head = messages[0]?.records[messages[0].next];
      if (head === undefined || (best !== undefined && compare(head, best) > 0)) continue;
      first = shard;
      best = head;
    }
    if (best === undefined) return -1;
    for (const { messages, position } of this.lanes) {
      if (messages.length === 0 && position < best.position) return -1;
    }
    return first;
  }
}

const NO_NOTICES: readonly ShardNotice[] = [];

function compare(a: ShardRecord, b: ShardRecord): number {
  return a.position - b.position || compareOrdered(a, b);
}
