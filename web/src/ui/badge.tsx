/** Small signs: severity (letter and word, never colour alone), outcome, share of a whole. */
import type { JSX } from 'preact';
import type { SeverityName } from '#src/console/api/common.js';

export function SeverityBadge({
  severity,
  short,
}: {
  readonly severity: SeverityName;
  readonly short?: boolean;
}): JSX.Element {
  const letter = severity[0]?.toUpperCase() ?? '';
  if (short === true) {
    return (
      <span class={`badge sev-${severity}`} title={severity}>
        <span aria-hidden="true">{letter}</span>
        <span class="away">{severity}</span>
      </span>
    );
  }
  return (
    <span class={`badge wide sev-${severity}`}>
      <span class="letter" aria-hidden="true">
        {letter}
      </span>
      {severity}
    </span>
  );
}

/** Bar for a share between 0 and 1; the number itself stands beside it. */
export function Meter({ share, tone }: { readonly share: number; readonly tone?: string }): JSX.Element {
  const percent = Math.min(100, Math.max(0, share * 100));
  return (
    <span class="meter" aria-hidden="true">
      <span class={tone ?? ''} style={{ width: `${percent}%` }} />
    </span>
  );
}
