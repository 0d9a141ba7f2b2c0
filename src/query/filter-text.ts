/** Filters as the query language writes them, for people to read. */
import { formatTime } from '../base/time.ts';
import { SEVERITIES } from '../contracts/record.ts';
import type { Comparison, Filter, NumberField, Pattern } from './filter.ts';
import type { TimeRange } from './time.ts';

/** One line. Times are written out, as ranges. */
export function filterText(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return filter.terms.map(inBrackets).join(' ');
    case 'or':
      return filter.terms.map(inBrackets).join(' or ');
    case 'not':
      return `not ${inBrackets(filter.term)}`;
    case 'match':
    case 'address':
      return matchText(filter.field, filter.patterns);
    case 'number':
      return numberText(filter.field, filter.comparison, filter.value);
    case 'text':
      return `text:${JSON.stringify(filter.needle)}`;
    case 'failed':
      return `failed:${filter.value ? 'yes' : 'no'}`;
    case 'time':
      return filter.ranges.map(rangeText).join(' or ');
  }
}

/** From the first moment to the one at which it ends. */
export function rangeText({ fromUs, toUs }: TimeRange): string {
  if (toUs === Number.MAX_SAFE_INTEGER) return `from ${formatTime(fromUs)} on`;
  return fromUs <= 0 ? `until ${formatTime(toUs)}` : `${formatTime(fromUs)} to ${formatTime(toUs)}`;
}

function numberText(field: NumberField, comparison: Comparison, value: number): string {
  if (field === 'severity') return `severity${comparison}${SEVERITIES[value] ?? value}`;
  return `${field}${comparison}${value}${field === 'duration' ? 'us' : ''}`;
}

function inBrackets(filter: Filter): string {
  const text = filterText(filter);
  return filter.kind === 'and' || filter.kind === 'or' ? `(${text})` : text;
}

/** After a colon, `=` would be read as a part of the operator. */
function matchText(field: string, patterns: readonly Pattern[]): string {
  const values = patterns.map(patternText).join();
  const isExact = patterns.some(({ exact }) => exact === true);
  return `${field}${isExact ? ':=' : values.startsWith('=') ? '=' : ':'}${values}`;
}

const PLAIN = /^[^\s"(),]+$/;

function patternText({ text, wildcards, exact }: Pattern): string {
  const isLiteral = !wildcards && exact !== true && /[*?]/.test(text);
  return PLAIN.test(text) && !isLiteral ? text : JSON.stringify(text);
}

/** Every range of time that the filter names, wherever it stands. */
export function timesOf(filter: Filter): readonly TimeRange[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.flatMap(timesOf);
    case 'not':
      return timesOf(filter.term);
    case 'time':
      return filter.ranges;
    default:
      return [];
  }
}
