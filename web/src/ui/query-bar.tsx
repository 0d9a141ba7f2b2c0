/**
 * The query field: coloured as it is read, completed from the server (fields, operators, values seen in the range, saved searches after `@`), run by
 * Enter. Tab or a click takes a candidate, arrows choose one, Escape closes the list. The list never moves the focus.
 */
import type { JSX, RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Completion } from '#src/console/api/records.js';
import { type ApiProblem, ask, type Params } from '../base/api.ts';
import { formatShort } from '../base/format.ts';
import { scopeParams } from '../base/scope.ts';
import { tokenize } from '../base/terms.ts';
import { Icon } from './icon.tsx';

type Candidate = Completion['candidates'][number];

/** What is asked in the field. */
export interface QueryLanguage {
  /** Route that completes it. */
  readonly complete: string;
  readonly example: string;
  /** What its values are looked for in. */
  readonly scope: () => Params;
}

const RECORDS: QueryLanguage = {
  complete: '/complete',
  example: 'user:alice op:DELETE rows>1000 "drop table"',
  scope: scopeParams,
};

/** Typing faster than this asks once. */
const PAUSE_MS = 70;

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
      props.onRun((input.current?.value ?? text).trim());
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
        <button type="button" class="button main" onClick={() => props.onRun(text.trim())}>
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

interface CandidateState {
  readonly open: boolean;
  readonly candidates: readonly Candidate[];
  readonly chosen: number;
  readonly looking: boolean;
  look(): void;
  close(): void;
  take(index: number): boolean;
  /** Whether the list used the key. */
  key(event: KeyboardEvent): boolean;
}

/** A list, and the text that it completes. */
type Found = Completion & { readonly text: string };

function useCandidates(
  input: RefObject<HTMLInputElement | null>,
  text: string,
  setText: (text: string) => void,
  language: QueryLanguage,
): CandidateState {
  const [found, setFound] = useState<Found | undefined>(undefined);
  const [open, setOpen] = useState(false);
  const [looking, setLooking] = useState(false);
  const [chosen, setChosen] = useState(0);
  const [turn, setTurn] = useState(0);
  /** Tab was pressed before the list had caught up with the text. */
  const isAwaited = useRef(false);
  useEffect(() => {
    if (turn === 0 || document.activeElement !== input.current) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const pos = input.current?.selectionStart ?? text.length;
      setLooking(true);
      ask<Completion>(language.complete, { text, pos, ...language.scope() }, abort.signal).then(
        (completion) => {
          const next = { ...completion, text };
          setFound(next);
          setChosen(0);
          setLooking(false);
          if (isAwaited.current) put(next, 0);
        },
        () => setLooking(false),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, turn]);
  const candidates = found?.candidates ?? [];
  const look = (): void => {
    isAwaited.current = false;
    setOpen(true);
    setTurn((before) => before + 1);
  };
  const put = (list: Found, index: number): void => {
    const candidate = list.candidates[index];
    if (candidate === undefined) return;
    const before = text.slice(0, list.from) + candidate.insert;
    const taken = before + text.slice(list.to);
    const field = input.current;
    if (field !== null) {
      // At once: a caret that is set later would move under the next keys.
      field.value = taken;
      field.setSelectionRange(before.length, before.length);
    }
    setText(taken);
    look();
  };
  /** Not a list of an earlier text, whose places are others: whether it was taken. */
  const take = (index: number): boolean => {
    if (found === undefined || found.text !== (input.current?.value ?? text)) return false;
    put(found, index);
    return true;
  };
  const close = (): void => {
    isAwaited.current = false;
    setOpen(false);
  };
  const key = (event: KeyboardEvent): boolean => {
    const listed = open && candidates.length > 0;
    if (event.key === 'Escape' && open) close();
    else if (event.key === 'Tab' && listed && !event.shiftKey) isAwaited.current = !take(chosen);
    else if (event.key === 'ArrowDown' && !open) look();
    else if (event.key === 'ArrowDown' && listed) setChosen((chosen + 1) % candidates.length);
    else if (event.key === 'ArrowUp' && listed) setChosen((chosen + candidates.length - 1) % candidates.length);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return {
    open: open && (candidates.length > 0 || looking),
    candidates,
    chosen,
    looking,
    look,
    close,
    take,
    key,
  };
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
