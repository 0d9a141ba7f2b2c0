/**
 * The query field: coloured as it is read, completed from the server (fields, operators, values seen in the range, saved
 * searches after `@`, at the end what one asked before), run by Enter. Tab or a click takes a candidate, arrows choose one, Escape
 * closes the list, Shift+Delete forgets what one asked. The list never moves the focus.
 */
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiProblem } from '../base/api.ts';
import { formatShort } from '../base/format.ts';
import { keepQuery } from '../base/history.ts';
import { tokenize } from '../base/terms.ts';
import { Icon } from './icon.tsx';
import { type CandidateState, type QueryLanguage, RECORDS, useCandidates } from './query-candidates.ts';

export function QueryBar(props: {
  readonly value: string;
  readonly onRun: (text: string) => void;
  /** The server's refusal of the query that ran last. */
  readonly problem?: ApiProblem | undefined;
  readonly autoFocus?: boolean;
  /** That of records, when not given. */
  readonly language?: QueryLanguage;
}): JSX.Element {
  const language = props.language ?? RECORDS;
  const [text, setText] = useState(props.value);
  const input = useRef<HTMLInputElement>(null);
  const list = useCandidates(input, text, setText, language);
  const id = useId();
  useEffect(() => setText(props.value), [props.value]);
  useEffect(() => {
    if (props.autoFocus === true) input.current?.focus();
  }, []);
  const run = (typed: string): void => {
    const q = typed.trim();
    keepQuery(language.of, q);
    props.onRun(q);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (list.key(event)) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      input.current?.blur();
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      list.close();
      // What is typed faster than it is drawn counts as well.
      run(input.current?.value ?? text);
    }
  };
  const { problem } = props;
  return (
    <div class="query">
      <div class={problem === undefined ? 'query-box' : 'query-box wrong'}>
        <Icon name="search" />
        <div class="query-text">
          <Coloured text={text} input={input} wrongAt={problem?.column} />
          <input
            ref={input}
            data-query
            role="combobox"
            aria-label="Query"
            aria-expanded={list.open}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={list.open ? `${id}-${list.chosen}` : undefined}
            aria-invalid={problem !== undefined}
            aria-describedby={problem === undefined ? undefined : `${id}-problem`}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder={language.example}
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              list.look();
            }}
            onClick={list.look}
            onBlur={list.close}
            onKeyDown={onKeyDown}
          />
        </div>
        <button type="button" class="button main" onClick={() => run(text)}>
          Run
        </button>
      </div>
      <CandidateList id={id} list={list} />
      {problem !== undefined && (
        <p id={`${id}-problem`} class="query-problem small" role="alert">
          {problem.message}
        </p>
      )}
    </div>
  );
}

/** The same text under the field, in colours; it follows the field's own scrolling. */
function Coloured(props: {
  readonly text: string;
  readonly input: { readonly current: HTMLInputElement | null };
  readonly wrongAt: number | undefined;
}): JSX.Element {
  const layer = useRef<HTMLDivElement>(null);
  const { text, wrongAt } = props;
  useEffect(() => {
    const field = props.input.current;
    const follow = (): void => {
      if (layer.current !== null && field !== null) layer.current.scrollLeft = field.scrollLeft;
    };
    follow();
    field?.addEventListener('scroll', follow);
    return () => field?.removeEventListener('scroll', follow);
  }, [text]);
  return (
    <div ref={layer} class="query-colours" aria-hidden="true">
      {tokenize(text).map((token) => {
        const wrong = wrongAt !== undefined && wrongAt - 1 >= token.start && wrongAt - 1 < token.end;
        return (
          <span key={token.start} class={`q-${token.kind}${wrong ? ' q-wrong' : ''}`}>
            {text.slice(token.start, token.end)}
          </span>
        );
      })}
    </div>
  );
}

function CandidateList({ id, list }: { readonly id: string; readonly list: CandidateState }): JSX.Element {
  return (
    <div id={`${id}-list`} class="candidates" role="listbox" aria-label="Completions" hidden={!list.open}>
      {list.candidates.length === 0 && (
        <div class="candidate muted" role="option" aria-selected={false} id={`${id}-0`} aria-disabled="true">
          still looking
        </div>
      )}
      {list.candidates.map((candidate, index) => (
        <div
          key={`${candidate.kind} ${candidate.label ?? candidate.insert}`}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === list.chosen}
          class={index === list.chosen ? 'candidate chosen' : 'candidate'}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => list.take(index)}
        >
          <code>{candidate.label ?? candidate.insert.trim()}</code>
          <span class="grow muted small clip">{candidate.hint ?? ''}</span>
          {candidate.count !== undefined && <span class="muted small">{formatShort(candidate.count)}</span>}
        </div>
      ))}
    </div>
  );
}
