/** The console's own icons: 20 × 20, drawn with the text's colour. Always beside a word or with a label on their button. */
import type { JSX } from 'preact';

const PATHS = {
  overview: 'M3 17V9m5 8V3m5 14v-6m4 6V6',
  live: 'M2 11h4l2-6 4 11 2-7 1 2h3',
  search: 'M9 15a6 6 0 1 1 0-12 6 6 0 0 1 0 12Zm4.5-1.5L18 18',
  sessions: 'M3 10h14M6 7v6m5-4v2m4-3v4',
  entities: 'M7 9a3 3 0 1 1 0-6 3 3 0 0 1 0 6Zm-5 8c0-3 2-5 5-5s5 2 5 5m1-8a2.5 2.5 0 1 0 0-5m1 8c2.500 .5 4 2.300 4 5',
  alerts: 'M10 3 18 17H2L10 3Zm0 5v4m0 2.300v.2',
  policies: 'M5 2.500h7l3.500 3.500v11.500H5zM12 2.500V6h3.500M8 10h5M8 13h5',
  sensors:
    'M10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM6 14a5.700 5.700 0 0 1 0-8m8 0a5.700 5.700 0 0 1 0 8M3.500 16.500a9.200 9.200 0 0 1 0-13m13 0a9.200 9.200 0 0 1 0 13',
  reports: 'M4 2.500h12v15H4zM7 13v-2m3 2V7m3 6V9',
  people: 'M10 9.500a3.500 3.500 0 1 1 0-7 3.500 3.500 0 0 1 0 7ZM3 18c0-4 3-6 7-6s7 2 7 6',
  account:
    'M10 18a8 8 0 1 1 0-16 8 8 0 0 1 0 16Zm0-7.500A2.700 2.700 0 1 0 10 5a2.700 2.700 0 0 0 0 5.500ZM4.800 16c.8-2.400 2.700-3.500 5.200-3.500s4.400 1.100 5.200 3.500',
  clock: 'M10 18a8 8 0 1 1 0-16 8 8 0 0 1 0 16Zm0-12v4.300l3 2',
  close: 'm5 5 10 10M15 5 5 15',
  check: 'm4 10.500 4 4 8-9',
  down: 'm5 8 5 5 5-5',
  right: 'm8 5 5 5-5 5',
  left: 'm12 5-5 5 5 5',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4v12l10-6z',
  download: 'M10 3v9m-4-4 4 4 4-4M4 16h12',
  save: 'M4 3h9l3 3v11H4zM7 3v4h5V3M7 17v-5h6v5',
  columns: 'M3 4h14v12H3zM8 4v12M13 4v12',
  sun: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm0-11v2m0 12v2M2 10h2m12 0h2M4.300 4.300l1.400 1.400m8.600 8.600 1.400 1.400m0-11.400-1.400 1.400M5.700 14.300l-1.400 1.400',
  moon: 'M16.500 12A7 7 0 0 1 8 3.500 7 7 0 1 0 16.500 12Z',
  keyboard: 'M2 5h16v10H2zM5 8h.1M8 8h.1M11 8h.1M14 8h.1M5 12h.1M8 12h4M15 12h.1',
  fold: 'M3 4h14v12H3zM8 4v12m6-8-2.500 2 2.500 2',
  lock: 'M5 9h10v8H5zM7 9V6a3 3 0 0 1 6 0v3',
  eye: 'M2 10s3-5.500 8-5.500 8 5.500 8 5.500-3 5.500-8 5.500S2 10 2 10Zm8 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  link: 'm8 12 4-4M9 6l2-2a3.500 3.500 0 0 1 5 5l-2 2m-3 3-2 2a3.500 3.500 0 0 1-5-5l2-2',
  print: 'M6 7V3h8v4M6 14H3V7h14v7h-3M6 12h8v5H6z',
  expand: 'M12 3h5v5m0-5-6 6M8 17H3v-5m0 5 6-6',
  pin: 'M7 3h6l-.5 5 3 3.500h-11l3-3.500zM10 11.500V18',
  plus: 'M10 4v12M4 10h12',
  out: 'M8 3H4v14h4m4-11 4 4-4 4m4-4H7',
  star: 'm10 3 2.100 4.600 4.900.6-3.600 3.400.9 5L10 14.200 5.700 16.600l.9-5L3 8.200l4.900-.6z',
  database:
    'M3.500 5c0-1.500 3-2.500 6.500-2.500s6.500 1 6.500 2.500-3 2.500-6.500 2.500S3.500 6.500 3.500 5Zm0 0v10c0 1.500 3 2.500 6.500 2.500s6.500-1 6.500-2.500V5M3.500 10c0 1.500 3 2.500 6.500 2.500s6.500-1 6.500-2.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
