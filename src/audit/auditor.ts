/**
 * Turns what protocol sessions say into audit records: who (the chain from network peer to end user), where, what (the
 * SQL analysis), and what came of it. Judges each by policy and hands those that are kept to the sink.
 */
import { createHash } from 'node:crypto';
import type { Counters } from '../base/counters.ts';
import type { AuditEvent, Identity, LoginEvent, OpaqueEvent, StatementEvent } from '../contracts/event.ts';
import { MARK_REDACTED } from '../contracts/event.ts';
import { DISPOSITION_DEFER, DISPOSITION_DROP, type PolicyEngine } from '../contracts/policy.ts';
import type { ConnectionInfo, EventSink, SessionOpener } from '../contracts/protocol.ts';
import type { AuditRecord, RecordKind, RecordSink } from '../contracts/record.ts';
import { SQL_DIALECTS, type SqlAnalyzer, type SqlDialect, type SqlStatement } from '../contracts/sql.ts';
import { endUserOfTags } from './end-user.ts';
import { lossId, recordId } from './ids.ts';
import { compareOrdered, type Ordered, PacketOrder } from './order.ts';
import { setOutcome, setTimes } from './outcome.ts';
import { RecordPool } from './record-pool.ts';
import { redact, redactError } from './redact.ts';
import { SessionState } from './session-state.ts';
import { noticeKey, type SessionNotice } from './sessions-elsewhere.ts';
import { merged, type Part, pair, withText } from './split.ts';

export interface AuditorOptions {
  readonly sensor: string;
  readonly analyzer: SqlAnalyzer;
  /** The first policy; `undefined`: everything is recorded, nothing judged. */
  readonly policy: PolicyEngine | undefined;
  readonly sink: RecordSink;
  /** Records wait for `release`, which hands them on in an order that does not depend on how flows share threads. */
  readonly ordered?: boolean;
  /** Number of the first loss record: auditors of one sensor count from different ones. */
  readonly firstLoss?: number;
  /**
   * Takes the records that the policy engine defers, and, unjudged, requests that mean a session which may be another
   * thread's, by `target` (`SessionNotice.key`).
   */
  readonly defer?: (record: AuditRecord, statement: SqlStatement | undefined, target: string | undefined) => void;
  /** Takes what other threads may have to know of sessions here. */
  readonly announce?: (notice: SessionNotice) => void;
}

/** Places that are kept from packet to packet. */
const HELD_PLACES_MAX = 64;

/** A record before it is judged; used again for the next packet's. */
interface Unjudged extends Ordered {
  record: AuditRecord;
  orderUs: number;
  statement: SqlStatement | undefined;
  /** Place in its session. */
  ordinal: number;
}

export interface AuditCounters extends Counters {
  sessions: number;
  logins: number;
  failedLogins: number;
  statements: number;
  opaque: number;
  /** Records a policy did not want. */
  ignored: number;
  /** Records the sink had no room for. */
  dropped: number;
}

export function newAuditCounters(): AuditCounters {
  return { sessions: 0, logins: 0, failedLogins: 0, statements: 0, opaque: 0, ignored: 0, dropped: 0 };
}

export class Auditor implements SessionOpener {
  readonly counters: AuditCounters = newAuditCounters();
  readonly options: AuditorOptions;
  /** Judges from the next record on; may be replaced at any time between two packets. */
  policy: PolicyEngine | undefined;
  private losses: number;
  private readonly order = new PacketOrder();
  /** Times `release` was called. */
  private packets = 0;
  /** Records of one packet, when `ordered`: the first `heldCount`. */
  private readonly held: Unjudged[] = [];
  private heldCount = 0;
  /** Of records that mean a session elsewhere, until they are judged; and of the one that is being made. */
  private readonly targets = new Map<AuditRecord, string>();
  target: string | undefined = undefined;
  private readonly pool: RecordPool;
  /** Records of sessions get their ids when someone asks for them. */
  private readonly namesLate: boolean;

  constructor(options: AuditorOptions) {
    this.options = options;
    this.policy = options.policy;
    this.losses = options.firstLoss ?? 0;
    this.namesLate = options.sink.keepsNothing === true;
    this.pool = new RecordPool(this.namesLate);
  }

  open(connection: ConnectionInfo): EventSink {
    this.counters.sessions++;
    return new AuditSession(this, connection);
  }

  /** Writes down that something was not seen. */
  loss(reason: string, timeUs: number, lostBytes: number | undefined, detail: string): void {
    const record = this.newRecord();
    record.id = lossId(this.options.sensor, reason, timeUs, this.losses++);
    record.kind = 'loss';
    record.timeUs = timeUs;
    record.sensor = this.options.sensor;
    record.reason = reason;
    record.lostBytes = lostBytes;
    record.errorText = detail;
    this.keep(record, undefined, -1);
  }

  /** An empty record, which comes back with `keep`. */
  newRecord(): AuditRecord {
    return this.pool.take();
  }

  /** `ordinal`: the record's place in its session; -1 outside of any, with an id of its own. */
  keep(record: AuditRecord, statement: SqlStatement | undefined, ordinal: number): void {
    if (this.target !== undefined) this.targets.set(record, this.target);
    if (!this.namesLate) name(record, ordinal);
    if (this.options.ordered) this.hold(record, statement, ordinal, this.order.keyUs(record, this.packets));
    else this.judge(record, statement, ordinal);
  }

  private hold(record: AuditRecord, statement: SqlStatement | undefined, ordinal: number, orderUs: number): void {
    const place = this.held[this.heldCount];
    if (place === undefined) this.held.push({ record, statement, orderUs, ordinal });
    else {
      place.record = record;
      place.statement = statement;
      place.orderUs = orderUs;
      place.ordinal = ordinal;
    }
    this.heldCount++;
  }

  /** Records wait for `release`. */
  get holds(): boolean {
    return this.heldCount > 0;
  }

  /** Judges the records that wait, in the order of `PacketOrder`. To be called after every packet. */
  release(): void {
    const { held, heldCount } = this;
    if (heldCount > 1) {
      held.length = heldCount;
      for (const { record, ordinal } of held) name(record, ordinal);
      held.sort(compareOrdered);
    }
    for (let i = 0; i < heldCount; i++) {
      const { record, statement, ordinal } = held[i] as Unjudged;
      this.judge(record, statement, ordinal);
    }
    this.heldCount = 0;
    if (held.length > HELD_PLACES_MAX) held.length = 0;
    this.packets++;
  }

  private judge(record: AuditRecord, statement: SqlStatement | undefined, ordinal: number): void {
    const { policy } = this;
    const { sink, defer } = this.options;
    const target = this.targets.size === 0 ? undefined : this.takeTarget(record);
    const disposition = target === undefined ? policy?.evaluate(record, statement) : DISPOSITION_DEFER;
    if (disposition === DISPOSITION_DEFER) {
      name(record, ordinal);
      defer?.(record, statement, target);
      return;
    }
    if (disposition === DISPOSITION_DROP) this.counters.ignored++;
    else if (!sink.write(record)) this.counters.dropped++;
    this.pool.giveBack(record);
  }

  private takeTarget(record: AuditRecord): string | undefined {
    const target = this.targets.get(record);
    this.targets.delete(record);
    return target;
  }
}

/** Gives a record of a session its id. */
function name(record: AuditRecord, ordinal: number): void {
  if (record.session !== undefined && ordinal >= 0) record.id = recordId(record.session, ordinal);
}

class AuditSession extends SessionState implements EventSink {
  private readonly auditor: Auditor;
  /** Records so far. */
  private records = 0;

  constructor(auditor: Auditor, connection: ConnectionInfo) {
    super(connection);
    this.auditor = auditor;
  }

  get keepsNoEvents(): boolean {
    return true;
  }

  emit(event: AuditEvent): void {
    this.hear(event.identity);
    switch (event.kind) {
      case 'statement':
        this.statement(event);
        break;
      case 'login':
        this.login(event);
        break;
      case 'opaque':
        this.opaque(event);
        break;
      case 'logout': {
        const record = this.record('logout', event);
        record.reason = event.reason;
        this.keep(record, undefined);
        break;
      }
    }
  }

  emitFor(key: string, event: AuditEvent): void {
    const { auditor } = this;
    if (auditor.options.defer !== undefined) auditor.target = noticeKey(key);
    this.emit(event);
    auditor.target = undefined;
  }

  announce(key: string, identity: Identity | undefined, isNew: boolean): void {
    this.auditor.options.announce?.({ kind: 'speaker', key: noticeKey(key), session: this.id, isNew, identity });
  }

  get hasOthers(): boolean {
    return this.auditor.options.announce !== undefined;
  }

  takeOver(keys: readonly string[], own: string): void {
    const notice = { kind: 'takeover', keys: keys.map(noticeKey), own: noticeKey(own), session: this.id } as const;
    this.auditor.options.announce?.(notice);
  }

  private record(kind: RecordKind, event: AuditEvent): AuditRecord {
    const record = this.auditor.newRecord();
    record.kind = kind;
    record.timeUs = event.startUs;
    this.describeSession(record, event.identity);
    record.sensor = this.auditor.options.sensor;
    record.marks = event.marks;
    if (event.lostBytes > 0) record.lostBytes = event.lostBytes;
    return record;
  }

  private keep(record: AuditRecord, statement: SqlStatement | undefined): void {
    this.auditor.keep(record, statement, this.records++);
  }

  private login(event: LoginEvent): void {
    const { counters } = this.auditor;
    counters.logins++;
    if (event.errorCode !== undefined) counters.failedLogins++;
    const record = this.record('login', event);
    record.authMethod = event.method;
    record.errorCode = event.errorCode;
    record.errorText = event.errorText;
    setTimes(record, event.startUs, event.firstByteUs, event.endUs);
    this.keep(record, undefined);
  }

  private opaque(event: OpaqueEvent): void {
    this.auditor.counters.opaque++;
    const record = this.record('opaque', event);
    record.reason = event.reason;
    record.tls = event.tls;
    this.keep(record, undefined);
  }

  private statement(event: StatementEvent): void {
    const dialect = SQL_DIALECTS[event.identity.system] ?? 'generic';
    const { text } = event;
    const { analyzer } = this.auditor.options;
    const found = text === undefined ? NO_STATEMENTS : withText(analyzer.analyze(text, dialect));
    for (const part of pair(event, found)) {
      this.auditor.counters.statements++;
      const record = this.record('statement', event);
      record.call = event.call;
      record.endUser = endUserOfTags(event.tags) ?? record.endUser;
      record.transaction = event.transaction;
      setOutcome(record, event, part.outcomes);
      this.describe(record, event, part, found, dialect);
      if (part.outcomes.length > 0 && record.errorCode === undefined) {
        for (const { effect } of part.statements) if (effect) this.apply(effect);
      }
      this.keep(record, this.withPrepared(merged(part.statements), dialect));
    }
  }

  /** EXECUTE of a statement prepared in SQL is judged by what that one names, too. */
  private withPrepared(statement: SqlStatement | undefined, dialect: SqlDialect): SqlStatement | undefined {
    if (statement?.executes === undefined) return statement;
    const prepared = this.preparedText(statement);
    if (prepared === undefined) return statement;
    const both = merged([statement, ...this.auditor.options.analyzer.analyze(prepared, dialect)]);
    const { objects, objectsWritten, columns, functions } = both ?? statement;
    return { ...statement, objects, objectsWritten, columns, functions };
  }

  /** The what: text, parameters, operations, objects, fingerprint. */
  private describe(
    record: AuditRecord,
    event: StatementEvent,
    part: Part,
    found: readonly SqlStatement[],
    dialect: SqlDialect,
  ): void {
    record.procedure = event.procedure;
    record.parameters = event.parameters;
    record.objects = event.objects;
    if (event.text !== undefined) {
      this.describeText(record, event, event.text, part, found);
      this.describeStatements(record, part.statements, dialect);
    }
    if (event.operation !== undefined) record.operation = event.operation;
  }

  /** `found` are all statements of the request, of which the record may be of one. */
  private describeText(
    record: AuditRecord,
    event: StatementEvent,
    text: string,
    part: Part,
    found: readonly SqlStatement[],
  ): void {
    const { statements, whole } = part;
    const from = whole ? 0 : (statements[0]?.start ?? 0);
    const to = whole ? text.length : (statements.at(-1)?.end ?? text.length);
    const isAll = whole && event.textLength === undefined;
    if (isAll && statements.length === 1 && statements[0]?.template !== undefined) {
      // Nothing that is a secret by grammar has a template.
      record.text = text;
      return;
    }
    const clean = redact(text, from, to, statements, event.parameters);
    record.text = clean.text;
    record.parameters = clean.parameters;
    if (clean.redacted) record.marks |= MARK_REDACTED;
    if (record.errorText !== undefined) {
      const errorText = redactError(record.errorText, text, found);
      if (errorText !== record.errorText) record.marks |= MARK_REDACTED;
      record.errorText = errorText;
    }
    if (whole && event.textLength !== undefined) {
      record.textLength = event.textLength;
      if (!clean.redacted) record.textSha256 = event.textSha256;
    }
  }

  private describeStatements(record: AuditRecord, statements: readonly SqlStatement[], dialect: SqlDialect): void {
    let tagged: string | undefined;
    for (const statement of statements) {
      record.procedure ??= statement.procedure;
      tagged ??= endUserOfTags(statement.tags);
    }
    // What is said of this statement is nearer than what was said of the session.
    if (tagged !== undefined) record.endUser = tagged;
    const only = statements[0];
    if (statements.length === 1 && only?.executes === undefined) setNames(record, only?.operations, only?.objects);
    else this.describeSeveral(record, statements, dialect);
    const first = statements[0];
    if (first) {
      const single = statements.length === 1;
      record.summary = single ? first.summary : statements.map((s) => s.summary).join('; ');
      record.fingerprint = single ? first.fingerprint : joinFingerprints(statements);
    }
  }

  /** Operations and objects of several statements, each once. */
  private describeSeveral(record: AuditRecord, statements: readonly SqlStatement[], dialect: SqlDialect): void {
    const operations = new Set<string>();
    const objects = new Set<string>();
    for (const statement of statements) this.collect(statement, dialect, operations, objects);
    setNames(record, [...operations], [...objects]);
  }

  /** Operations and objects of a statement, and of the one it executes when that was prepared in SQL. */
  private collect(statement: SqlStatement, dialect: SqlDialect, operations: Set<string>, objects: Set<string>): void {
    for (const operation of statement.operations) operations.add(operation);
    for (const object of statement.objects) objects.add(object);
    const prepared = this.preparedText(statement);
    if (prepared === undefined) return;
    for (const inner of this.auditor.options.analyzer.analyze(prepared, dialect)) {
      for (const operation of inner.operations) operations.add(operation);
      for (const object of inner.objects) objects.add(object);
    }
  }
}

/** Of several statements that cannot be told apart: order matters, as it does in their summary. */
function joinFingerprints(statements: readonly SqlStatement[]): string {
  const joined = statements.map((s) => s.fingerprint).join(' ');
  return createHash('sha256').update(joined).digest('hex').slice(0, 16);
}

function setNames(
  record: AuditRecord,
  operations: readonly string[] | undefined,
  objects: readonly string[] | undefined,
): void {
  record.operation = operations?.[0];
  if (operations !== undefined && operations.length > 1) record.operations = operations;
  if (objects !== undefined && objects.length > 0) record.objects = objects;
}

const NO_STATEMENTS: readonly SqlStatement[] = [];
