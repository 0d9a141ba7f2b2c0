/** Counts what people ask for first: how many sessions, whose, which operations, which alerts, what was lost. */
import type { AuditRecord, RecordSink } from '../contracts/record.ts';

/** Distinct names counted; further ones fall under `other`. */
const NAMES_MAX = 10_000;
export const OTHER = '(other)';

export interface TallySnapshot {
  records: number;
  readonly kinds: Map<string, number>;
  readonly users: Map<string, number>;
  readonly operations: Map<string, number>;
  readonly systems: Map<string, number>;
  readonly alerts: Map<string, number>;
  readonly rules: Map<string, number>;
  failed: number;
  marked: number;
}

export function newTally(): TallySnapshot {
  return {
    records: 0,
    kinds: new Map(),
    users: new Map(),
    operations: new Map(),
    systems: new Map(),
    alerts: new Map(),
    rules: new Map(),
    failed: 0,
    marked: 0,
  };
}

/** Counts names of which mostly the same comes again: only a change of name costs a look at the table. */
class RunningCount {
  private readonly counts: Map<string, number>;
  private name = '';
  private run = 0;

  constructor(counts: Map<string, number>) {
    this.counts = counts;
  }

  add(name: string): void {
    if (name !== this.name) {
      this.settle();
      this.name = name;
    }
    this.run++;
  }

  settle(): void {
    if (this.run > 0) add(this.counts, this.name, this.run);
    this.run = 0;
  }
}

/** A sink that counts and passes on. */
export class Tally implements RecordSink {
  readonly keepsNothing: boolean;
  private readonly tally: TallySnapshot = newTally();
  private readonly kinds = new RunningCount(this.tally.kinds);
  private readonly systems = new RunningCount(this.tally.systems);
  private readonly users = new RunningCount(this.tally.users);
  private readonly next: readonly RecordSink[];

  constructor(next: readonly RecordSink[]) {
    this.next = next;
    this.keepsNothing = next.every((sink) => sink.keepsNothing === true);
  }

  /** The counts so far. */
  get counts(): TallySnapshot {
    this.kinds.settle();
    this.systems.settle();
    this.users.settle();
    return this.tally;
  }

  write(record: AuditRecord): boolean {
    const counts = this.tally;
    counts.records++;
    this.kinds.add(record.kind);
    if (record.system) this.systems.add(record.system);
    if (record.kind === 'statement') {
      this.users.add(record.user ?? '(unknown)');
      add(counts.operations, record.operation ?? '(none)');
      if (record.errorCode !== undefined) counts.failed++;
      if (record.marks !== 0) counts.marked++;
    }
    for (const match of record.policy ?? []) {
      if (match.action !== 'alert') continue;
      add(counts.rules, match.rule);
      add(counts.alerts, match.severity);
    }
    let kept = true;
    for (const sink of this.next) if (!sink.write(record)) kept = false;
    return kept;
  }
}

function add(counts: Map<string, number>, name: string, count = 1): void {
  const known = counts.get(name);
  if (known !== undefined) counts.set(name, known + count);
  else if (counts.size < NAMES_MAX) counts.set(name, count);
  else counts.set(OTHER, (counts.get(OTHER) ?? 0) + count);
}

/** Adds the counts of `from` to `into`. */
export function addTally(into: TallySnapshot, from: TallySnapshot): void {
  into.records += from.records;
  into.failed += from.failed;
  into.marked += from.marked;
  for (const key of ['kinds', 'users', 'operations', 'systems', 'alerts', 'rules'] as const) {
    for (const [name, count] of from[key]) add(into[key], name, count);
  }
}
