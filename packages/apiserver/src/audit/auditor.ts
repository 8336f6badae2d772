import { readFile } from 'node:fs/promises';
import { type Clock, type Logger, microTimestamp, type Random, StatusError } from '@keelson/core';
import { parse } from 'yaml';
import { z } from 'zod';
import type { AuditEvent } from './audit-event.ts';
import { AuditMetrics } from './audit-metrics.ts';
import type { AuditOptions } from './audit-options.ts';
import { AuditRecord } from './audit-record.ts';
import { openSink } from './open-sink.ts';
import { PolicyConfig } from './policy.ts';
import { policyProblems } from './policy-problems.ts';
import { type AuditedRequest, PolicyRules } from './policy-rules.ts';
import type { AuditSink } from './sink.ts';

export interface AuditorOptions {
  readonly options: AuditOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A request as it came in. */
export interface ReceivedRequest extends AuditedRequest {
  readonly user?: NonNullable<AuditedRequest['user']> & {
    readonly uid?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly auditId: string;
  readonly uri: string;
  readonly userAgent?: string;
  readonly sourceIps: readonly string[];
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
  readonly longRunning: boolean;
  readonly version?: string;
}

const longestUserAgent = 1024;

/** Takes requests down as a policy says. */
export class Auditor {
  readonly metrics = new AuditMetrics();
  readonly #options: AuditorOptions;
  #rules: PolicyRules | undefined;
  #sink: AuditSink | undefined;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Reads the policy and opens what is written to. Rejects with what is wrong with either. */
  async open(): Promise<void> {
    const { options, clock, random, logger } = this.#options;
    const { policy } = options;
    const value = typeof policy === 'string' ? parse(await readFile(policy, 'utf8')) : policy;
    this.#rules = new PolicyRules(checkPolicy(value, typeof policy === 'string' ? policy : 'the audit policy'));
    this.#sink = await openSink(options, {
      clock,
      random,
      lost: (sink, error, events) => this.#lost(sink, error, events),
      warn: (message, error) => logger.warn(message, { error: String(error) }),
    });
  }

  /** Resolves when what was taken down is written. */
  async close(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.close();
  }

  /** Begins to take a request down; undefined: the policy does not want it. */
  begin(request: ReceivedRequest): AuditRecord | undefined {
    const rules = this.#rules;
    const sink = this.#sink;
    if (!rules || !sink) return undefined;
    const config = rules.of(request);
    this.metrics.level(config.level);
    if (config.level === 'None') return undefined;
    const { user, resource, userAgent, sourceIps } = request;
    const { clock } = this.#options;
    return new AuditRecord({
      base: {
        auditID: request.auditId,
        requestURI: request.uri,
        verb: request.verb,
        user: user ? { username: user.name, uid: user.uid, groups: user.groups, extra: user.extra } : {},
        sourceIPs: sourceIps.length > 0 ? sourceIps : undefined,
        userAgent: shortened(userAgent),
        objectRef: resource && {
          resource: resource.resource,
          namespace: resource.namespace,
          name: resource.name,
          apiGroup: resource.group || undefined,
          apiVersion: request.version,
          subresource: resource.subresource,
        },
        requestReceivedTimestamp: microTimestamp({ ...clock, now: () => request.at }),
      },
      config,
      sink,
      clock,
      longRunning: request.longRunning,
      told: () => this.metrics.told(),
    });
  }

  /** What is answered where a request cannot be taken down, and so must not be done. */
  refusal(): StatusError {
    this.metrics.rejected();
    return StatusError.internal('failed to store audit event');
  }

  #lost(sink: string, error: unknown, events: readonly AuditEvent[]): void {
    this.metrics.lost(sink, events.length);
    this.#options.logger.error('audit events were lost', { sink, count: events.length, error: String(error) });
  }
}

function shortened(userAgent: string | undefined): string | undefined {
  if (!userAgent || userAgent.length <= longestUserAgent) return userAgent || undefined;
  return `${userAgent.slice(0, longestUserAgent)}...TRUNCATED`;
}

/** Throws what is wrong with a policy. */
export function checkPolicy(value: unknown, source: string): PolicyConfig {
  const parsed = PolicyConfig.safeParse(value);
  if (!parsed.success) throw new Error(`${source}: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.rules.length === 0) throw new Error(`${source}: loaded illegal policy with 0 rules`);
  const problems = policyProblems(parsed.data);
  if (problems.length > 0)
    throw new Error(`${source}: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`);
  return parsed.data;
}
