/** Records: lists, counts, facets, completion, one record with its surroundings, sessions, exports. */
import Type, { type Static } from 'typebox';
import { Asked, Counted, closed, Gap, SEVERITY_NAMES, scopeProperties, word } from './common.ts';
import { Note } from './notes.ts';

export const KINDS = ['login', 'statement', 'logout', 'opaque', 'loss'] as const;

/** A record as lists show it. Absent: not known. `text` may be cut; viewers see it with literals as `?`. */
export const Row = closed({
  id: Type.String(),
  time: Type.String(),
  kind: word(KINDS),
  user: Type.Optional(Type.String()),
  effectiveUser: Type.Optional(Type.String()),
  program: Type.Optional(Type.String()),
  client: Type.Optional(Type.String()),
  server: Type.Optional(Type.String()),
  db: Type.Optional(Type.String()),
  system: Type.Optional(Type.String()),
  operation: Type.Optional(Type.String()),
  objects: Type.Optional(Type.Array(Type.String())),
  text: Type.Optional(Type.String()),
  /** `text` is longer than shown. */
  cut: Type.Optional(Type.Boolean()),
  /** Returned or affected. */
  rows: Type.Optional(Type.Integer()),
  durationUs: Type.Optional(Type.Integer()),
  errorCode: Type.Optional(Type.String()),
  errorText: Type.Optional(Type.String()),
  severity: Type.Optional(word(SEVERITY_NAMES)),
  rules: Type.Optional(Type.Array(Type.String())),
  marks: Type.Optional(Type.Array(Type.String())),
  session: Type.Optional(Type.String()),
  fingerprint: Type.Optional(Type.String()),
  transaction: Type.Optional(Type.String()),
  /** Why a connection is opaque, how a session ended, what a loss was. */
  reason: Type.Optional(Type.String()),
});
export type Row = Static<typeof Row>;

export const DIRECTIONS = ['newest', 'oldest'] as const;

/** `GET /records`: rows from a cursor on, or from the beginning. */
export const RecordsQuery = closed({
  ...scopeProperties,
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  dir: Type.Optional(word(DIRECTIONS)),
});
export type RecordsQuery = Static<typeof RecordsQuery>;
export const Records = closed({
  asked: Asked,
  rows: Type.Array(Row),
  /** Absent at the end. */
  next: Type.Optional(Type.String()),
});
export type Records = Static<typeof Records>;

/** `GET /records/at`: rows from a position (0 is the first) in the whole result, for the scroll bar. */
export const RecordsAtQuery = closed({
  ...scopeProperties,
  position: Type.Integer({ minimum: 0 }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  dir: Type.Optional(word(DIRECTIONS)),
});
export type RecordsAtQuery = Static<typeof RecordsAtQuery>;
export const RecordsAt = closed({
  asked: Asked,
  position: Type.Integer(),
  total: Type.Integer(),
  rows: Type.Array(Row),
  next: Type.Optional(Type.String()),
});
export type RecordsAt = Static<typeof RecordsAt>;

/** `GET /count`. */
export const Count = closed({ asked: Asked, total: Type.Integer() });
export type Count = Static<typeof Count>;

export const HISTOGRAM_FIELDS = ['op', 'kind', 'outcome', 'severity'] as const;
/** `GET /histogram`. */
export const HistogramQuery = closed({
  ...scopeProperties,
  /** Bars at most. */
  buckets: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 120 })),
  by: Type.Optional(word(HISTOGRAM_FIELDS)),
});
export type HistogramQuery = Static<typeof HistogramQuery>;
/** Counts over time: bucket `i` is `[from + i * bucketUs, from + (i + 1) * bucketUs)`. */
export const Series = closed({
  /** Start of the first bucket. */
  from: Type.String(),
  bucketUs: Type.Integer(),
  buckets: Type.Integer(),
  /** Biggest first; one line without `by`. `counts` has one number a bucket. */
  lines: Type.Array(closed({ name: Type.String(), total: Type.Integer(), counts: Type.Array(Type.Integer()) })),
});
export type Series = Static<typeof Series>;
export const Histogram = closed({ asked: Asked, total: Type.Integer(), series: Series });
export type Histogram = Static<typeof Histogram>;

/** Fields that can be counted by; each is a field of the query language. */
export const FACET_FIELDS = [
  'user',
  'op',
  'object',
  'db',
  'client',
  'server',
  'program',
  'system',
  'kind',
  'rule',
  'severity',
  'error',
  'fingerprint',
  'session',
  'sensor',
] as const;
/** `GET /facets`. */
export const FacetsQuery = closed({
  ...scopeProperties,
  field: Type.String({ description: `one or more of ${FACET_FIELDS.join(', ')}, separated by commas` }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10 })),
});
export type FacetsQuery = Static<typeof FacetsQuery>;
export const Facets = closed({
  asked: Asked,
  /** Records counted: all that match. */
  total: Type.Integer(),
  facets: Type.Array(
    closed({
      field: Type.String(),
      /** Most frequent first; the empty value stands for records without one. */
      values: Type.Array(Counted),
      /** Records whose value is not listed. */
      others: Type.Integer(),
    }),
  ),
});
export type Facets = Static<typeof Facets>;

/** `GET /complete`: what may stand at `pos` (in UTF-16 units) of the query `text`. */
export const CompleteQuery = closed({
  text: Type.String({ maxLength: 16_384 }),
  pos: Type.Integer({ minimum: 0 }),
  t: scopeProperties.t,
  db: scopeProperties.db,
});
export type CompleteQuery = Static<typeof CompleteQuery>;
export const QUERY_TOKENS = ['field', 'operator', 'value', 'text', 'keyword', 'time', 'bracket', 'error'] as const;
export const Completion = closed({
  /** The part of `text` that a chosen candidate replaces. */
  from: Type.Integer(),
  to: Type.Integer(),
  candidates: Type.Array(
    closed({
      /** What is put in; that of a `history` in place of the whole text. */
      insert: Type.String(),
      /** What is shown for it, where that is another text: `@name` of a saved search. */
      label: Type.Optional(Type.String()),
      kind: word(['field', 'operator', 'value', 'search', 'history'] as const),
      /** Meaning in one line. */
      hint: Type.Optional(Type.String()),
      count: Type.Optional(Type.Integer()),
    }),
  ),
  /** The query in coloured parts, in order. */
  tokens: Type.Array(closed({ kind: word(QUERY_TOKENS), start: Type.Integer(), end: Type.Integer() })),
  /** The conditions of the query, each with its place, for chips; only those that all must hold. */
  terms: Type.Array(closed({ start: Type.Integer(), end: Type.Integer(), text: Type.String() })),
  /** What is wrong with the whole text, if something is. */
  problem: Type.Optional(closed({ message: Type.String(), column: Type.Optional(Type.Integer()) })),
});
export type Completion = Static<typeof Completion>;

/** `GET /explain`: what running the query would read, in words. */
export const Explanation = closed({
  asked: Asked,
  sentences: Type.Array(Type.String()),
});
export type Explanation = Static<typeof Explanation>;

/** `GET /export`: streamed; the last line says how many rows there were and their SHA-256. */
export const ExportQuery = closed({
  ...scopeProperties,
  format: word(['csv', 'jsonl'] as const),
  dir: Type.Optional(word(DIRECTIONS)),
  /** Columns of a CSV, by the names of `Row`; absent: all fields of the record contract. */
  cols: Type.Optional(Type.String({ maxLength: 1000 })),
});
export type ExportQuery = Static<typeof ExportQuery>;

/** Kinds of SQL token, for colours. */
export const SQL_TOKENS = [
  'keyword',
  'name',
  'string',
  'number',
  'parameter',
  'operator',
  'comment',
  'punctuation',
] as const;
export const Span = closed({
  kind: word(SQL_TOKENS),
  /** UTF-16 units of the text, half open. */
  start: Type.Integer(),
  end: Type.Integer(),
});
export type Span = Static<typeof Span>;

/** One condition of a rule that held. */
export const Because = closed({
  sentence: Type.String(),
  /** Where the reason stands in the text, in UTF-16 units. */
  start: Type.Optional(Type.Integer()),
  end: Type.Optional(Type.Integer()),
  /** Of the condition, in the rule's file. */
  line: Type.Integer(),
  column: Type.Integer(),
});
export const Match = closed({
  rule: Type.String(),
  severity: word(SEVERITY_NAMES),
  action: Type.String(),
  title: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  references: Type.Array(Type.String()),
  because: Type.Array(Because),
  /** Why the conditions cannot be shown, if they cannot (they counted, or the policy's text was not kept). */
  note: Type.Optional(Type.String()),
});
export type Match = Static<typeof Match>;

/** A bind value as it may be shown: its type and length, the value itself only after a reveal. */
export const Bind = closed({
  position: Type.Integer(),
  type: Type.String(),
  /** Characters of the value as text. */
  length: Type.Optional(Type.Integer()),
  isNull: Type.Boolean(),
});
export type Bind = Static<typeof Bind>;

/** `GET /records/:id`. */
export const RecordView = closed({
  row: Row,
  /** Every field of the record by its public name (`audit.session`, `db.query.text`), bind values left out. */
  fields: Type.Record(Type.String(), Type.Unknown()),
  /** The whole text, and its parts for colouring. */
  text: Type.Optional(Type.String()),
  spans: Type.Array(Span),
  /** Literals are shown as `?`: the reader's role does not see them. */
  normalised: Type.Boolean(),
  binds: Type.Array(Bind),
  /** Whether `POST /records/:id/reveal` is open to the reader. */
  mayReveal: Type.Boolean(),
  matches: Type.Array(Match),
  policyVersion: Type.Optional(Type.String()),
  /** The session around it, in order, at most ten a side; `gapUs` since the one before. */
  before: Type.Array(Row),
  after: Type.Array(Row),
  /** The same shape elsewhere. */
  fingerprint: Type.Optional(
    closed({
      count: Type.Integer(),
      first: Type.String(),
      last: Type.String(),
      users: Type.Array(Counted),
      meanUs: Type.Number(),
      /** Days (UTC) that have such a record. */
      days: Type.Integer(),
      /** By hour of the day, UTC: 24 counts. */
      hours: Type.Array(Type.Integer()),
      /** Latest ones of other sessions. */
      elsewhere: Type.Array(Row),
    }),
  ),
  /** Where it stands in the store's hash chain; absent when its segment's chain cannot be read. */
  evidence: Type.Optional(
    closed({
      /** File of the segment, relative to the store. */
      segment: Type.String(),
      /** Number of the record in the store, and first and last record of the block whose digest this is; not for readers limited to databases. */
      record: Type.Optional(Type.Integer()),
      block: Type.Optional(closed({ first: Type.Integer(), last: Type.Integer() })),
      /** SHA-256 of the chain up to the end of the block. */
      sha256: Type.String(),
      /** For `wiretrail verify --anchor`. */
      anchor: Type.Optional(Type.String()),
      /** The segment is complete and signed. */
      signed: Type.Boolean(),
    }),
  ),
  /** Whether packets of its session may be kept: there is a folder of evidence, and the reader may ask for them. */
  packets: Type.Boolean(),
  /** The oldest first; none for viewers, as notes may quote literals. */
  notes: Type.Array(Note),
});
export type RecordView = Static<typeof RecordView>;

/** `POST /records/:id/reveal`; recorded. */
export const Reveal = closed({
  reason: Type.String({ minLength: 3, maxLength: 1000 }),
  code: Type.Optional(Type.String({ pattern: '^[0-9]{6}$' })),
});
export type Reveal = Static<typeof Reveal>;
export const Revealed = closed({
  values: Type.Array(
    closed({ position: Type.Integer(), type: Type.String(), value: Type.Union([Type.String(), Type.Null()]) }),
  ),
});
export type Revealed = Static<typeof Revealed>;

/**
 * How a session, from its first record to its last, lies to the range: they have time in common; it goes on all the range
 * and beyond it at both ends; it is within the range; they have no time in common.
 */
export const RELATIONS = ['overlaps', 'covers', 'inside', 'not'] as const;
export type Relation = (typeof RELATIONS)[number];
/**
 * `GET /sessions`: sessions that lie so to the range and have a matching record, whenever it was, newest first. A condition
 * `time:` of the query is about the record.
 */
export const SessionsQuery = closed({
  ...scopeProperties,
  /** Absent: `overlaps`. */
  relation: Type.Optional(word(RELATIONS)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
});
export type SessionsQuery = Static<typeof SessionsQuery>;
export const SessionRow = closed({
  session: Type.String(),
  user: Type.Optional(Type.String()),
  program: Type.Optional(Type.String()),
  client: Type.Optional(Type.String()),
  server: Type.Optional(Type.String()),
  db: Type.Optional(Type.String()),
  system: Type.Optional(Type.String()),
  /** Of the whole session. */
  first: Type.String(),
  last: Type.String(),
  /** In a list, these are of the records that match, here and below. */
  records: Type.Integer(),
  errors: Type.Integer(),
  rows: Type.Integer(),
});
export type SessionRow = Static<typeof SessionRow>;
export const Sessions = closed({
  asked: Asked,
  sessions: Type.Array(SessionRow),
  /** There are more than listed. */
  more: Type.Boolean(),
});
export type Sessions = Static<typeof Sessions>;

export const LANES = ['read', 'write', 'admin', 'other'] as const;
/** `GET /sessions/:id`, from login to logout, at most 5,000 records at a time; `after` is the last record's id. */
export const SessionQuery = closed({ after: Type.Optional(Type.String({ maxLength: 64 })) });
export type SessionQuery = Static<typeof SessionQuery>;
export const SessionView = closed({
  session: SessionRow,
  /** How it began and ended, as far as it was seen. */
  login: Type.Optional(Row),
  logout: Type.Optional(Row),
  items: Type.Array(
    closed({
      row: Row,
      lane: word(LANES),
      /** Time since the record before ended. */
      idleUs: Type.Integer(),
    }),
  ),
  /** By index into `items`, both ends included. */
  transactions: Type.Array(
    closed({
      first: Type.Integer(),
      last: Type.Integer(),
      end: word(['commit', 'rollback', 'failed', 'open'] as const),
      writes: Type.Integer(),
      rows: Type.Integer(),
    }),
  ),
  gaps: Type.Array(Gap),
  idleUsMax: Type.Integer(),
  errors: Type.Integer(),
  /** On records of the session; as in `RecordView`. */
  notes: Type.Array(Note),
  /** More records follow. */
  more: Type.Boolean(),
});
export type SessionView = Static<typeof SessionView>;
