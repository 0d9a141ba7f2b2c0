/** Head of a plain table: the titles of its columns. Those of numbers stand on the right. */
import type { JSX } from 'preact';

/** A title; of a column of numbers; or one that is only spoken. */
export type ColumnTitle = string | { readonly number: string } | { readonly spoken: string };

export function TableHead({ columns }: { readonly columns: readonly ColumnTitle[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          if (typeof column === 'string')
            return (
              <th key={column} scope="col">
                {column}
              </th>
            );
          if ('number' in column)
            return (
              <th key={column.number} scope="col" class="num">
                {column.number}
              </th>
            );
          return (
            <th key={column.spoken} scope="col">
              <span class="away">{column.spoken}</span>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
