/** Comma-separated values as RFC 4180 has them: quoted fields may hold commas, line breaks and doubled quotes. */

/** Rows of `text`, one array of fields each. A last row without its line break is given too. */
export function* parseCsv(text: string): Generator<string[]> {
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field: string;
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      field = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
    } else {
      const end = endOfBareField(text, at);
      field = text.slice(at, end);
      at = end;
    }
    row.push(field);
    if (text[at] === ',') {
      at++;
      if (at === text.length) row.push('');
      continue;
    }
    if (text[at] === '\r') at++;
    at++;
    yield row;
    row = [];
  }
  if (row.length > 0) yield row;
}

/** Index of the quote that ends the field, or the end of the text. */
function closingQuote(text: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    if (text[at + 1] !== '"') return at;
  }
}

function endOfBareField(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at++;
  return at;
}
