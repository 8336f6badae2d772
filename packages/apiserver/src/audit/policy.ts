import { z } from 'zod';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof levels)[number];

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof stages)[number];

export const atLeast = (level: Level, other: Level): boolean => levels.indexOf(level) >= levels.indexOf(other);

const texts = z.array(z.string()).default([]);

const GroupResources = z.strictObject({ group: z.string().default(''), resources: texts, resourceNames: texts });

const Rule = z.strictObject({
  level: z.string().default(''),
  users: texts,
  userGroups: texts,
  verbs: texts,
  resources: z.array(GroupResources).default([]),
  namespaces: texts,
  nonResourceURLs: texts,
  omitStages: texts,
  omitManagedFields: z.boolean().optional(),
});
export type RuleConfig = z.output<typeof Rule>;

/** `Policy` of `audit.k8s.io/v1`. What is wrong beyond its shape is told by `policyProblems`. */
export const PolicyConfig = z.strictObject({
  apiVersion: z.literal('audit.k8s.io/v1'),
  kind: z.literal('Policy'),
  metadata: z.record(z.string(), z.unknown()).optional(),
  rules: z.array(Rule).default([]),
  omitStages: texts,
  omitManagedFields: z.boolean().default(false),
});
export type PolicyConfig = z.output<typeof PolicyConfig>;

export const isLevel = (text: string): text is Level => levels.some((each) => each === text);
export const isStage = (text: string): text is Stage => stages.some((each) => each === text);
