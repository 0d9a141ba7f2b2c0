/**
 * What Apache Derby's log says was executed, in the form of every server's log (`test/lab/log.ts`).
 *
 * Derby logs each compilation and execution with its parameters (`derby.language.logStatementText`), and each error with
 * its SQLSTATE and statement (`derby.stream.error.logSeverityLevel=0`). It names a connection by its number, and no users:
 * whose the connections are, in order, is the workload's to say.
 */
import type { LoggedEntry, LoggedStatement, LoggedValue } from '../lab/log.ts';

/** A connection the workload made: who, from where, and the SQLSTATE its driver gave when it was refused. */
export interface DerbyClient {
  readonly user: string;
  /** `address:port`. */
  readonly client: string;
  readonly errorCode: string | undefined;
}

/** One line of interest each; a text may have line breaks. */
const LOGGED = new RegExp(
  [
    String.raw`^[^\n]*\(DATABASE = (?<database>[^)]*)\), \(DRDAID = [^\n]*?\{(?<connection>\d+)\}\), (?:`,
    '(?<verb>Begin compiling|End compiling|Executing) prepared statement: (?<text>.*?) :End prepared statement',
    String.raw`(?: with \d+ parameters (?<parameters>.*?) :end parameter *)?$`,
    String.raw`|Failed Statement is: (?<failed>.*?)(?: with \d+ parameters .*?)?\nERROR (?<code>\w{5}):)`,
  ].join(''),
  'gms',
);

/** Derby's own statements, for its catalogue. */
const INTERNAL = /^EXECUTE STATEMENT /;

/** What a connection is doing, as far as its log has been read. */
interface Progress {
  readonly entries: LoggedStatement[];
  /** Its compilation has begun and not ended. */
  compiling: string | undefined;
}

/** Logins, then all statements in the log's order. `clients` in the order in which they connected. */
export function readDerbyLog(log: string, clients: readonly DerbyClient[]): LoggedEntry[] {
  const logins = clients.map(({ user, client, errorCode }, index) => {
    const refused = errorCode === undefined ? {} : { errorCode };
    return {
      kind: 'login' as const,
      server: 'derby' as const,
      session: String(index + 1),
      client,
      user,
      tls: false,
      ...refused,
    };
  });
  const order: LoggedStatement[] = [];
  const connections = new Map<string, Progress>();
  for (const { groups } of log.matchAll(LOGGED)) {
    const { database, connection = '', verb, text, parameters, failed, code } = groups ?? {};
    const client = clients[Number(connection) - 1];
    if (client === undefined || INTERNAL.test(text ?? failed ?? '')) continue;
    const progress = connections.get(connection) ?? { entries: [], compiling: undefined };
    connections.set(connection, progress);
    const entry = (said: string, values: readonly LoggedValue[], errorCode?: string): LoggedStatement => ({
      kind: 'statement',
      server: 'derby',
      session: connection,
      client: client.client,
      user: client.user,
      ...(database === undefined ? {} : { database }),
      command: values.length > 0 ? 'execute' : 'query',
      text: said,
      ...(values.length > 0 ? { parameters: values } : {}),
      ...(errorCode === undefined ? {} : { errorCode }),
    });
    if (failed !== undefined && code !== undefined) onError(progress, order, failed, code, entry);
    else if (verb === 'Begin compiling') onCompilation(progress, order, text ?? '');
    else if (verb === 'End compiling') progress.compiling = undefined;
    else if (text !== undefined) add(progress, order, entry(text, readValues(text, parameters)));
  }
  return [...logins, ...order];
}

function add(progress: Progress, order: LoggedStatement[], entry: LoggedStatement): void {
  progress.compiling = undefined;
  progress.entries.push(entry);
  order.push(entry);
}

/** Of a compilation, or of the last execution of that text. */
function onError(
  progress: Progress,
  order: LoggedStatement[],
  text: string,
  code: string,
  entry: (text: string, values: readonly LoggedValue[], errorCode: string) => LoggedStatement,
): void {
  if (progress.compiling === text) {
    add(progress, order, entry(text, [], code));
    return;
  }
  const executed = progress.entries.findLast((other) => other.text === text);
  if (executed === undefined || executed.errorCode !== undefined) return;
  const failed = { ...executed, errorCode: code };
  progress.entries[progress.entries.lastIndexOf(executed)] = failed;
  order[order.lastIndexOf(executed)] = failed;
}

/** An execution that finds its plan out of date is logged twice, then compiled again: it is one execution. */
function onCompilation(progress: Progress, order: LoggedStatement[], text: string): void {
  progress.compiling = text;
  const [before, last] = progress.entries.slice(-2);
  if (last?.text !== text || JSON.stringify(before) !== JSON.stringify(last)) return;
  progress.entries.pop();
  order.splice(order.lastIndexOf(last), 1);
}

/** How Derby prints what it does not print: bytes by their number, large objects by the stream they come from. */
const BYTES = /^(?:VAR)?CHAR \(\) FOR BIT DATA:Length=(\d+)$/;
const STREAM = /^(?:BLOB|CLOB|LONG VARCHAR FOR BIT DATA)\b|^org\.apache\.derby\./;

/** Of a function it prints the result as the first parameter; the client has none to send. */
const FUNCTION = /^\?\s*=/;

function readValues(text: string, parameters: string | undefined): LoggedValue[] {
  if (parameters === undefined) return [];
  const values = parameters
    .replace(/^begin parameter #1: /, '')
    .split(/ :end parameter begin parameter #\d+: /)
    .map((printed): LoggedValue => {
      const bytes = BYTES.exec(printed)?.[1];
      if (bytes !== undefined) return { bytes: Number(bytes) };
      if (STREAM.test(printed)) return { bytes: null };
      return /^null$/i.test(printed) ? null : printed;
    });
  return FUNCTION.test(text) ? [{ bytes: null }, ...values.slice(1)] : values;
}
