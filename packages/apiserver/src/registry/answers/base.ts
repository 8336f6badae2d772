import type { Violation } from './violations.ts';

/** A valid object of a kind, full of fields, around which the questions to a control plane are made. */
export interface Base {
  /** Of the collection, such as `/apis/apps/v1/namespaces/default/deployments`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  };
  /** More than what is done to every place of the body. */
  readonly more?: readonly Violation[];
  /** Whether it is also made and then updated with each of the violations. */
  readonly updates?: boolean;
  /** Changes of the stored object, for updates. */
  readonly moreUpdates?: readonly Violation[];
  /** Written to the status before its violations are. */
  readonly status?: Readonly<Record<string, unknown>>;
  readonly moreStatus?: readonly Violation[];
  /** Only the violations that are listed, not those of every place. */
  readonly only?: boolean;
}

export interface Outcome {
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly causes?: readonly string[];
  readonly warnings?: readonly string[];
  readonly object?: unknown;
}

export interface Question {
  readonly method: 'POST' | 'PUT' | 'GET' | 'DELETE';
  /** With `dryRun=All` where nothing is to stay. */
  readonly path: string;
  readonly dryRun: boolean;
  readonly body?: unknown;
}

export type Ask = (question: Question) => Promise<Outcome>;
