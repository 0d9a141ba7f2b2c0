/** The time range of everything on the page: presets, an expression, and always the absolute range it stands for. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Explanation } from '#src/console/api/records.js';
import { useAnswer } from '../base/answer.ts';
import { formatDuration, formatMoment, type Zone } from '../base/format.ts';
import { echo, zone } from '../base/scope.ts';
import { place, setParams } from '../base/url.ts';
import { Icon } from './icon.tsx';
import { Popover } from './popover.tsx';

const PRESETS = [
  { t: '', text: 'Everything kept' },
  { t: '-15m', text: 'Last 15 minutes' },
  { t: '-1h', text: 'Last hour' },
  { t: '-24h', text: 'Last 24 hours' },
  { t: '-7d', text: 'Last 7 days' },
  { t: '-30d', text: 'Last 30 days' },
] as const;

export function TimeField(): JSX.Element {
  const t = place.value.params.get('t') ?? '';
  const preset = PRESETS.find((one) => one.t === t);
  const asked = echo.value;
  return (
    <Popover
      class="button time-button"
      anchor="time"
      label={
        <>
          <Icon name="clock" />
          <span class="strong clip">{preset?.text ?? 'Chosen range'}</span>
          {asked !== undefined && (
            <span class="muted small clip wide-only">{rangeText(asked.from, asked.to, zone())}</span>
          )}
          <Icon name="down" />
        </>
      }
    >
      {(close) => <TimePanel t={t} close={close} />}
    </Popover>
  );
}

function TimePanel({ t, close }: { readonly t: string; readonly close: () => void }): JSX.Element {
  const [text, setText] = useState(t);
  const shown = useAnswer<Explanation>('/explain', { t: text.trim() || undefined });
  const choose = (chosen: string): void => {
    setParams({ t: chosen, w: undefined });
    close();
  };
  return (
    <form
      class="stack tight time-panel"
      onSubmit={(event) => {
        event.preventDefault();
        choose(text.trim());
      }}
    >
      <label class="strong" for="time-expression">
        Time range
      </label>
      <div class="line">
        <input
          id="time-expression"
          data-first
          class="input grow mono"
          value={text}
          placeholder="-24h, 2026-11-21, 2026-11-21T10:00/PT2H"
          aria-describedby="time-echo"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button main">
          Apply
        </button>
      </div>
      <p id="time-echo" class="small" aria-live="polite">
        {shown.problem !== undefined ? (
          <span class="bad">{shown.problem.message}</span>
        ) : (
          shown.data !== undefined && rangeText(shown.data.asked.from, shown.data.asked.to, zone())
        )}
      </p>
      <ul class="presets">
        {PRESETS.map((preset) => (
          <li key={preset.t}>
            <button type="button" class="button plain" aria-pressed={preset.t === t} onClick={() => choose(preset.t)}>
              {preset.text}
            </button>
          </li>
        ))}
      </ul>
      <label class="check small">
        <input
          type="checkbox"
          checked={zone() === 'local'}
          onChange={(event) => setParams({ tz: event.currentTarget.checked ? 'local' : undefined })}
        />
        Show times in this computer's zone instead of UTC
      </label>
    </form>
  );
}

/** `2026-11-21 10:00Z to 11:30Z, 1 h 30 min`. */
export function rangeText(from: string, to: string, tz: Zone): string {
  const fromMs = Date.parse(from);
  const toMs = Date.parse(to);
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return '';
  const start = formatMoment(fromMs, tz, 'second');
  const end = formatMoment(toMs, tz, 'second');
  const short = start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end;
  return `${start} – ${short}, ${formatDuration(Math.max(0, toMs - fromMs) * 1000)}`;
}
