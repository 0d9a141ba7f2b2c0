/**
 * Texts off the wire as the browser and reports show them. Characters that print nothing or turn the direction of writing
 * round (Unicode control characters, "Trojan Source") would let a statement read as another one: a sign stands in
 * the place of each. Nothing is added or taken away, so places within the text stay.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** U+FFFD, which most fonts have. */
const SIGN = '\ufffd';

export function visible(text: string): string {
  return text.replace(HIDDEN, SIGN);
}
