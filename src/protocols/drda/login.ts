/** EXCSAT, ACCSEC, SECCHK and ACCRDB: how a connection begins, or begins again for its next user. */
import { withoutPadding } from '../../base/text.ts';
import { LoginEvent, MARK_GAP } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { registerToken } from './cancel.ts';
import { decodeCcsid } from './ccsid.ts';
import * as cp from './codepoints.ts';
import type { DdmReader } from './ddm.ts';
import { type Request, recogniseProduct, type Session } from './session.ts';

/** SECMEC values: how the user shows who they are. */
const METHODS: ReadonlyMap<number, string> = new Map([
  [1, 'DCESEC'],
  [3, 'USRIDPWD'],
  [4, 'USRIDONL'],
  [5, 'USRIDNWPWD'],
  [6, 'USRSBSPWD'],
  [7, 'USRENCPWD'],
  [8, 'USRSSBPWD'],
  [9, 'EUSRIDPWD'],
  [10, 'EUSRIDNWPWD'],
  [11, 'KERSEC'],
  [12, 'EUSRPWDDTA'],
  [13, 'EUSRIDDTA'],
  [14, 'EUSRNPWDDTA'],
  [15, 'PLGIN'],
]);

/** SECCHKCD values. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [0x01, 'security mechanism not supported'],
  [0x0b, 'security token missing or invalid'],
  [0x0e, 'password expired'],
  [0x0f, 'password invalid'],
  [0x10, 'password missing'],
  [0x12, 'user missing'],
  [0x13, 'user or password invalid'],
  [0x14, 'user revoked'],
  [0x15, 'new password invalid'],
  [0x16, 'authentication failed because of connectivity restrictions'],
]);

/** No name is longer; DB2's have 255 at most. */
const NAME_BYTES_MAX = 1024;

/** Columns of PRDDTA behind its length byte: product, platform, program. */
const PRODUCT_BYTES = 8;
const PLATFORM_BYTES = 18;
const PROGRAM_BYTES = 20;

export function onExchangeAttributes(s: Session, request: Request, parameters: DdmReader): void {
  if (s.login === undefined) s.firstUs = request.startUs;
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.EXTNAM) setProgram(s, textOf(parameters, 0));
    else if (codePoint === cp.SRVCLSNM) recogniseServer(s, textOf(parameters, 0));
    else if (codePoint === cp.MGRLVLLS) onManagers(s, body.bytes, body.pos, body.end, false);
  }
}

/** EXCSATRD: what the server is, and what both agreed on. */
export function onServerAttributes(s: Session, parameters: DdmReader): void {
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.SRVCLSNM) recogniseServer(s, textOf(parameters, 0));
    else if (codePoint === cp.MGRLVLLS) onManagers(s, body.bytes, body.pos, body.end, true);
  }
}

function onManagers(s: Session, bytes: Uint8Array, start: number, end: number, agreed: boolean): void {
  let ccsid = 0;
  for (let pos = start; pos + 4 <= end; pos += 4) {
    const manager = ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number);
    const level = ((bytes[pos + 2] as number) << 8) | (bytes[pos + 3] as number);
    if (manager === cp.UNICODEMGR && level !== 0) ccsid = level;
    else if (manager === cp.CCSIDMGR && level !== 0 && level !== 0xffff && ccsid === 0) ccsid = level;
    else if (manager === cp.SQLAM && level !== 0 && agreed) s.sqlam = level;
  }
  if (agreed) s.nextCcsid = ccsid;
}

function recogniseServer(s: Session, serverClass: string): void {
  if (/derby/i.test(serverClass)) recogniseProduct(s, 'CSS');
  else if (/db2|as400|dsn/i.test(serverClass)) recogniseProduct(s, 'SQL');
}

function setProgram(s: Session, program: string): void {
  if (program !== '' && program !== s.identity.program) s.identify({ program });
}

function textOf(reader: DdmReader, ccsid: number): string {
  const { bytes, pos, end } = reader.body;
  return withoutPadding(decodeCcsid(bytes, pos, Math.min(end, pos + NAME_BYTES_MAX), ccsid));
}

function openLogin(s: Session, request: Request): LoginEvent {
  if (s.login === undefined) {
    s.login = new LoginEvent(s.identity, s.firstUs || request.startUs);
    s.firstUs = 0;
  }
  return s.login;
}

export function onAccessSecurity(s: Session, request: Request, parameters: DdmReader): void {
  openLogin(s, request);
  readSecurity(s, parameters);
}

/** Also ACCSECRD: the server's choice. */
export function onSecurityReply(s: Session, parameters: DdmReader): void {
  readSecurity(s, parameters);
}

function readSecurity(s: Session, parameters: DdmReader): void {
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.SECMEC && s.login && body.remaining() >= 2) {
      const mechanism = body.u16be();
      s.login.method = METHODS.get(mechanism) ?? `SECMEC ${mechanism}`;
    } else if (codePoint === cp.RDBNAM) {
      setDatabase(s, textOf(parameters, s.ccsid));
    }
  }
}

/** Derby's client appends connection attributes, among them passwords; they end the name. */
function setDatabase(s: Session, name: string): void {
  const database = name.split(';', 1)[0]?.trim();
  if (database) s.identify({ database });
}

/** SECCHK: the user's name is kept, passwords and tokens are not read at all. */
export function onSecurityCheck(s: Session, request: Request, parameters: DdmReader): void {
  const login = openLogin(s, request);
  s.userUnknown = false;
  let user: string | undefined;
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.USRID) user = textOf(parameters, s.ccsid);
    else if (codePoint === cp.RDBNAM) setDatabase(s, textOf(parameters, s.ccsid));
    else if (codePoint === cp.SECMEC && body.remaining() === 2) {
      const mechanism = body.u16be();
      login.method = METHODS.get(mechanism) ?? `SECMEC ${mechanism}`;
    }
  }
  s.identify({ user: user || undefined, endUser: undefined });
  // Another user's sections are not this one's.
  s.statements.clear();
}

export function onAccessDatabase(s: Session, request: Request, parameters: DdmReader): void {
  openLogin(s, request);
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.RDBNAM) setDatabase(s, textOf(parameters, s.ccsid));
    else if (codePoint === cp.PRDID) recogniseProduct(s, textOf(parameters, 0));
    else if (codePoint === cp.TYPDEFNAM) s.client.setName(textOf(parameters, 0));
    else if (codePoint === cp.TYPDEFOVR) s.client.override(body);
    else if (codePoint === cp.PRDDTA) onProductData(s, textOf(parameters, 0));
  }
}

/** ACCRDBRM: how the server represents data. */
export function onDatabaseAccessed(s: Session, parameters: DdmReader, sink: EventSink): void {
  while (parameters.next()) {
    const { codePoint, body } = parameters;
    if (codePoint === cp.PRDID) recogniseProduct(s, textOf(parameters, 0));
    else if (codePoint === cp.TYPDEFNAM) s.server.setName(textOf(parameters, 0));
    else if (codePoint === cp.TYPDEFOVR) s.server.override(body);
    else if (codePoint === cp.RDBINTTKN) registerToken(s, parameters, sink);
  }
}

function onProductData(s: Session, data: string): void {
  const start = 1 + PRODUCT_BYTES + PLATFORM_BYTES;
  setProgram(s, data.slice(start, start + PROGRAM_BYTES).trim());
}

/** The replies to SECCHK or ACCRDB have ended. */
export function endLoginStep(s: Session, request: Request, endUs: number, sink: EventSink): void {
  const login = s.login;
  if (login === undefined || !request.answered) return;
  if (!request.accepted && request.errorCode === undefined && request.replyName === undefined) return;
  login.identity = s.identity;
  login.endUs = endUs;
  login.firstByteUs ||= request.outcome?.firstByteUs ?? endUs;
  login.marks |= request.marks & MARK_GAP;
  if (!request.accepted) {
    login.errorCode = request.errorCode ?? request.replyName;
    login.errorText = request.errorText ?? request.replyName;
  }
  s.loggedIn ||= request.accepted;
  s.login = undefined;
  sink.emit(login);
}

/** SECCHKRM says by code whether the user was believed. */
export function onSecurityVerdict(request: Request, code: number): void {
  if (code === 0) return;
  request.failed = true;
  request.errorCode = `SECCHKCD 0x${code.toString(16).padStart(2, '0')}`;
  request.errorText = REFUSALS.get(code) ?? 'security check failed';
}
