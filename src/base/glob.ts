/** Patterns as people write them: `*` stands for any characters, `?` for one. */

const STAR = 0x2a;
const QUESTION = 0x3f;
/** No character at all. */
export const NO_BARRIER = -1;

/**
 * Whether all of `text` is what `pattern` says; case counts. Wildcards do not cross the character with the code
 * `barrier`. Goes back to the last `*` only, so it costs at most pattern × text, whoever wrote them.
 */
export function globMatches(text: string, pattern: string, barrier: number = NO_BARRIER): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const code = p < pattern.length ? pattern.charCodeAt(p) : -1;
    if (code === STAR) {
      star = p++;
      resume = t;
    } else if (code === text.charCodeAt(t) || (code === QUESTION && text.charCodeAt(t) !== barrier)) {
      p++;
      t++;
    } else if (star >= 0 && text.charCodeAt(resume) !== barrier) {
      t = ++resume;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern.charCodeAt(p) === STAR) p++;
  return p === pattern.length;
}
