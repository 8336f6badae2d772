import type { Step, TwinCase } from './case.ts';
import type { Difference } from './diff.ts';
import { type Group, groupKey } from './groups.ts';
import { isObject, type Json } from './json.ts';
import { meantBy } from './meant.ts';

type Play = (candidate: TwinCase) => Promise<{ readonly differences: readonly Difference[] }>;

const mostRuns = 60;

/** Replaces a group's example by the shortest sequence with the smallest bodies that still shows the same difference;
 * `until` (ms since 1970) ends it with what it has. */
export async function shrink(group: Group, play: Play, until = Number.POSITIVE_INFINITY): Promise<void> {
  let left = mostRuns;
  const shows = async (candidate: TwinCase) => {
    if (left-- <= 0 || Date.now() > until) return undefined;
    const { differences } = await play(candidate);
    const difference = differences.find((each) => groupKey(candidate, each) === group.key);
    return difference && { difference, all: differences };
  };
  const attempt = async (steps: readonly Step[]) => {
    const candidate = { ...group.example, steps };
    const shown = await shows(candidate);
    if (!shown) return false;
    group.example = candidate;
    group.difference = shown.difference;
    group.all = shown.all.filter((each) => each === shown.difference || !meantBy(candidate, each)).slice(0, 6);
    return true;
  };
  const upTo = group.difference.step + 1;
  if (upTo < group.example.steps.length && !group.example.steps[upTo - 1]?.watch)
    await attempt(group.example.steps.slice(0, upTo));
  for (let index = group.example.steps.length - 1; index >= 0; index--) {
    if (group.example.steps.length > 1) await attempt(group.example.steps.filter((_, i) => i !== index));
  }
  for (let index = 0; index < group.example.steps.length; index++) {
    for (const smaller of smallerSteps(group.example.steps[index])) {
      if (left <= 0) return;
      await attempt(group.example.steps.map((each, i) => (i === index ? smaller(each) : each)));
    }
  }
}

type Change = (step: Step) => Step;

/** Ways to make a step smaller, the greatest first; each is tried on what the ones before have left. */
export function smallerSteps(step: Step | undefined): Change[] {
  if (!step) return [];
  const changes: Change[] = [];
  for (const [name, value] of Object.entries(step.query ?? {})) {
    // Without it a request would reach what other cases have made.
    if (name === 'labelSelector' && value.includes('{{id}}')) continue;
    changes.push((now) => ({ ...now, query: omit(now.query ?? {}, name) }));
  }
  for (const path of step.json === undefined ? [] : pathsOf(step.json).filter(([, , third]) => third !== 'twin')) {
    changes.push((now) => (now.json === undefined ? now : { ...now, json: removeAt(now.json, path) }));
  }
  const { from } = step;
  for (const path of from === undefined ? [] : pathsOf(from.merge)) {
    changes.push((now) => (now.from ? { ...now, from: { ...now.from, merge: removeAt(now.from.merge, path) } } : now));
  }
  return changes;
}

const omit = <T>(record: Readonly<Record<string, T>>, name: string) =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));

type Path = readonly (string | number)[];

/** Every place in a value, outer ones first, list items from the last: removing one moves no other that is yet to come. */
export function pathsOf(value: Json, prefix: Path = []): Path[] {
  const here = Array.isArray(value)
    ? value.map((each, index) => [index, each] as const).reverse()
    : isObject(value)
      ? Object.entries(value)
      : [];
  return [...here.map(([key]) => [...prefix, key]), ...here.flatMap(([key, each]) => pathsOf(each, [...prefix, key]))];
}

/** A copy without the place; the same value where the place is gone already. */
export function removeAt(value: Json, path: Path): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(value) && typeof key === 'number') {
    if (rest.length === 0) return value.filter((_, index) => index !== key);
    return value.map((each, index) => (index === key ? removeAt(each, rest) : each));
  }
  if (!isObject(value) || typeof key !== 'string' || !(key in value)) return value;
  if (rest.length === 0) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: removeAt(value[key] ?? null, rest) };
}
