/** Which statement a section stands for. */
import { MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import * as cp from './codepoints.ts';
import { boundSection } from './packages.ts';
import { packageName, sectionKey, sectionName, TOKEN_BYTES } from './sections.ts';
import type { Request, Session } from './session.ts';
import { setText } from './text.ts';

/** Takes PKGNAMCSN, or PKGNAMCT with PKGSN: a section by its number in a package named before; or PKGNAM. */
export function readSection(
  s: Session,
  request: Request,
  codePoint: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const key = sectionKey(bytes, start, end);
  if (codePoint === cp.PKGNAM) {
    request.package = packageName(key, s.ccsid, 0);
  } else if (codePoint === cp.PKGNAMCSN) {
    request.key = key;
    s.package = key.slice(0, -2);
  } else if (codePoint === cp.PKGNAMCT) {
    s.package = key;
    request.package = packageName(key, s.ccsid, TOKEN_BYTES);
  } else if (s.package !== '') {
    request.key = s.package + key;
  }
}

/**
 * The text a section was prepared with, or else bound with. A section that was never prepared, in a conversation of
 * which everything was seen, is static SQL: bound to the database earlier, known by its name only.
 */
export function resolve(s: Session, request: Request, event: StatementEvent): void {
  const prepared = s.statements.get(request.key);
  const bound = prepared === undefined ? boundSection(s, request.key) : undefined;
  const known = prepared ?? bound;
  if (request.key !== '' && prepared?.text.text === undefined) event.procedure = sectionName(request.key, s.ccsid);
  if (known !== undefined) {
    setText(event, known.text);
    request.hold = known.hold;
    if (bound !== undefined) event.call = 'static';
    if (known.text.text === undefined) event.marks |= MARK_UNKNOWN_HANDLE;
  } else if (s.uncertain || s.statements.evicted > 0 || request.key === '') event.marks |= MARK_UNKNOWN_HANDLE;
  else event.call = 'static';
}
