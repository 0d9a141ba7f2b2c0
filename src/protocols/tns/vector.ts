/** VECTOR images as JSON text: an array, or of a sparse vector its dimensions, indices and values. */
import { Cursor } from '../../base/cursor.ts';
import { float } from './scalars.ts';

const MAGIC = 0xdb;
const VERSION_MAX = 2;
const FLAG_NORM = 0x12;
const FLAG_SPARSE = 0x20;
const NORM_BYTES = 8;
const FORMAT_FLOAT32 = 2;
const FORMAT_FLOAT64 = 3;
const FORMAT_INT8 = 4;
const FORMAT_BINARY = 5;
/** Longer images are not spelt out. */
const IMAGE_BYTES_MAX = 4096;

/** The vector's text; `undefined` for what is no vector or too long. */
export function vectorText(image: Uint8Array): string | undefined {
  if (image.length > IMAGE_BYTES_MAX) return undefined;
  const cursor = new Cursor().reset(image, 0, image.length);
  if (cursor.u8() !== MAGIC || cursor.u8() > VERSION_MAX) return undefined;
  const flags = cursor.u16be();
  const format = cursor.u8();
  const dimensions = cursor.u32be();
  if (format === FORMAT_BINARY || (flags & FLAG_NORM) !== 0) cursor.skip(NORM_BYTES);
  if ((flags & FLAG_SPARSE) === 0) {
    const values = readValues(cursor, format, format === FORMAT_BINARY ? Math.ceil(dimensions / 8) : dimensions);
    return values && `[${values.join(',')}]`;
  }
  const count = cursor.u16be();
  if (count * 4 > cursor.remaining()) return undefined;
  const indices = Array.from({ length: count }, () => cursor.u32be());
  const values = readValues(cursor, format, count);
  return values && `[${dimensions},[${indices.join(',')}],[${values.join(',')}]]`;
}

function readValues(cursor: Cursor, format: number, count: number): readonly (number | string)[] | undefined {
  const size = format === FORMAT_FLOAT64 ? 8 : format === FORMAT_FLOAT32 ? 4 : 1;
  const isKnown = format >= FORMAT_FLOAT32 && format <= FORMAT_BINARY;
  if (!isKnown || cursor.failed || count * size > cursor.remaining()) return undefined;
  return Array.from({ length: count }, () => {
    const start = cursor.pos;
    if (size > 1) {
      cursor.skip(size);
      return float(cursor.bytes.subarray(start, cursor.pos));
    }
    const byte = cursor.u8();
    return format === FORMAT_INT8 && byte > 127 ? byte - 256 : byte;
  });
}
