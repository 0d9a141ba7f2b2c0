/** Which statement a section stands for. */
import { MARK_TRUNCATED, MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import * as cp from './codepoints.ts';
import { sectionKey, sectionName } from './sections.ts';
import type { Request, Session } from './session.ts';

/** Takes PKGNAMCSN, or PKGNAMCT with PKGSN: a section by its number in a package named before. */
export function readSection(
  s: Session,
  request: Request,
  codePoint: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const key = sectionKey(bytes, start, end);
  if (codePoint === cp.PKGNAMCSN) {
    request.key = key;
    s.package = key.slice(0, -2);
  } else if (codePoint === cp.PKGNAMCT) {
    s.package = key;
  } else if (s.package !== '') {
    request.key = s.package + key;
  }
}

/**
 * The text a section was prepared with. A section that was never prepared, in a conversation of which everything was
 * seen, is static SQL: bound to the database earlier, known by its name only.
 */
export function resolve(s: Session, request: Request, event: StatementEvent): void {
  const prepared = s.statements.get(request.key);
  if (prepared?.text) {
    const { text, length, sha256 } = prepared.text;
    event.text = text;
    event.textLength = length;
    event.textSha256 = sha256;
    if (length !== undefined) event.marks |= MARK_TRUNCATED;
    request.hold = prepared.hold;
    return;
  }
  if (request.key !== '') event.procedure = sectionName(request.key, s.ccsid);
  if (prepared || s.uncertain || s.statements.evicted || request.key === '') event.marks |= MARK_UNKNOWN_HANDLE;
  else event.call = 'static';
}
