/** Special registers with which a client says on whose behalf it works; middleware sets them between statements. */
import type { BindValue, StatementEvent } from '../../contracts/event.ts';
import type { Session } from './session.ts';

type Register = 'endUser' | 'program' | 'clientHost';

/** SET CLIENT USERID 'x', SET CURRENT CLIENT_USERID = 'x', and so on. */
const SETTING =
  /^\s*SET\s+(?:CURRENT\s+)?CLIENT[_\s]+(USERID|APPLNAME|WRKSTNNAME)(?:\s*(?:=|TO))?\s*(?:'((?:[^']|'')*)'|(NULL|\?))(?:\s*;)?\s*$/i;
const SET_CLIENT_INFO = /^\s*(?:\{\s*)?CALL\s+(?:"?SYSPROC"?\s*\.\s*)?"?WLM_SET_CLIENT_INFO"?\s*\(/i;
const SET_CLIENT_INFO_NAME = /^(?:SYSPROC\.)?WLM_SET_CLIENT_INFO$/i;
/** Arguments of a call that are a literal, a parameter marker or a word. */
const ARGUMENT = /'((?:[^']|'')*)'|\?|[^\s,)]+/g;
/** It takes the end user, workstation, program, and two that say how to account for the work. */
const CLIENT_INFO_ARGUMENTS = 5;

const REGISTERS: ReadonlyMap<string, Register> = new Map([
  ['USERID', 'endUser'],
  ['APPLNAME', 'program'],
  ['WRKSTNNAME', 'clientHost'],
]);

/** Takes over what these successful statements set. */
export function applyRegisters(s: Session, events: readonly StatementEvent[]): void {
  for (const event of events) {
    const { text, parameters, procedure } = event;
    if (text === undefined && SET_CLIENT_INFO_NAME.test(procedure ?? ''))
      setClientInfo(s, (parameters ?? []).map(stringOf));
    if (text === undefined || text.length > TEXT_MAX) continue;
    const setting = SETTING.exec(text);
    if (setting) {
      const register = REGISTERS.get((setting[1] as string).toUpperCase());
      const value = setting[3] === '?' ? stringOf(parameters?.[0]) : setting[2]?.replaceAll("''", "'");
      if (register) s.identify({ [register]: value?.trim() || undefined });
    } else if (SET_CLIENT_INFO.test(text)) {
      setClientInfo(s, argumentsOf(text, parameters));
    }
  }
}

function setClientInfo(s: Session, [endUser, clientHost, program]: readonly (string | undefined)[]): void {
  // A null argument leaves a register as it is.
  if (endUser !== undefined) s.identify({ endUser: endUser || undefined });
  if (clientHost !== undefined) s.identify({ clientHost: clientHost || undefined });
  if (program !== undefined) s.identify({ program: program || undefined });
}

/** Arguments of the call, each as literal or as the value of its marker; `undefined` for NULL and expressions. */
function argumentsOf(text: string, parameters: readonly BindValue[] | undefined): (string | undefined)[] {
  const values: (string | undefined)[] = [];
  let marker = 0;
  for (const [argument, literal] of text.slice(text.indexOf('(') + 1).matchAll(ARGUMENT)) {
    if (values.length >= CLIENT_INFO_ARGUMENTS) break;
    values.push(argument === '?' ? stringOf(parameters?.[marker++]) : literal?.replaceAll("''", "'").trim());
  }
  return values;
}

const TEXT_MAX = 1024;

function stringOf(value: BindValue | undefined): string | undefined {
  return typeof value === 'string' ? value.trim() : undefined;
}
