import { parse } from 'yaml';
import { z } from 'zod';
import { encryptionProblems } from './encryption-problems.ts';
import { EncryptionConfig } from './encryption-schema.ts';

/** The configuration is none that can be worked with; the message says what is wrong with it, and no secret. */
export class EncryptionConfigError extends Error {
  override readonly name = 'EncryptionConfigError';
}

/** Throws `EncryptionConfigError`. */
export function parseEncryptionConfig(text: string): EncryptionConfig {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    // What the parser says quotes what it read: keys, perhaps.
    throw new EncryptionConfigError('the encryption configuration is no YAML');
  }
  return checkEncryptionConfig(value);
}

/** Throws `EncryptionConfigError`. */
export function checkEncryptionConfig(value: unknown): EncryptionConfig {
  const parsed = EncryptionConfig.safeParse(value);
  if (!parsed.success) throw new EncryptionConfigError(z.prettifyError(parsed.error));
  const problems = encryptionProblems(parsed.data);
  if (problems.length === 0) return parsed.data;
  throw new EncryptionConfigError(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
}
