/** Parts of forms: labelled fields, and the state of sending one. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { problemFrom } from '../base/answer.ts';
import type { ApiProblem } from '../base/api.ts';

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'value' | 'onInput' | 'id' | 'class'>;

export function Field(
  props: InputProps & {
    readonly text: string;
    readonly value: string;
    readonly onText: (value: string) => void;
    readonly hint?: ComponentChildren;
  },
): JSX.Element {
  const { text, value, onText, hint, ...rest } = props;
  const id = useId();
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  return (
    <div class="field">
      <label for={id}>{text}</label>
      <input {...rest} {...described} id={id} class="input" value={value} onInput={(e) => onText(e.currentTarget.value)} />
      {hint !== undefined && (
        <div id={`${id}-hint`} class="small muted">
          {hint}
        </div>
      )}
    </div>
  );
}

export function Choice<V extends string>(props: {
  readonly text: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onChoose: (value: V) => void;
  readonly disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.text}</label>
      <select
        id={id}
        class="input"
        value={props.value}
        disabled={props.disabled === true}
        onChange={(event) => {
          const chosen = props.options.find((option) => option.value === event.currentTarget.value);
          if (chosen !== undefined) props.onChoose(chosen.value);
        }}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

export interface Sending {
  readonly busy: boolean;
  readonly problem: ApiProblem | undefined;
  /** Runs one request at a time; resolves to whether it went through. */
  run(request: () => Promise<unknown>): Promise<boolean>;
}

export function useSending(): Sending {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | undefined>(undefined);
  const run = async (request: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setProblem(undefined);
    try {
      await request();
      return true;
    } catch (error) {
      setProblem(problemFrom(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}
