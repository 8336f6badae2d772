import type { Plan } from './plan.ts';

/** Lists of which as much as possible is left out. */
type Parts<K extends string> = { readonly [each in K]: readonly unknown[] };

/**
 * The smallest plan that still fails, found by leaving out ever smaller parts of its lists, in the order in which these
 * are named.
 * @param fails runs a plan; resolves to whether it fails in the same way
 * @param goOn asked before each run
 */
export async function shrinkParts<K extends string, P extends Parts<K>>(
  plan: P,
  parts: readonly K[],
  fails: (plan: P) => Promise<boolean>,
  goOn: () => boolean,
): Promise<P> {
  const sizeOf = (one: P) => parts.reduce((sum, part) => sum + one[part].length, 0);
  let best = plan;
  for (let before = -1; before !== sizeOf(best) && goOn(); ) {
    before = sizeOf(best);
    for (const part of parts) {
      const kept = await fewest(best[part], (rest) => fails({ ...best, [part]: rest }), goOn);
      best = { ...best, [part]: kept };
    }
  }
  return best;
}

/** The smallest plan of a simulation that still fails. */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>, goOn: () => boolean): Promise<Plan> {
  const best = await shrinkParts(plan, ['faults', 'steps'], fails, goOn);
  return best.faults.length > 1 ? ((await singleFault(best, fails, goOn)) ?? best) : best;
}

/** Among so many first decisions. */
const searched = 40;

/**
 * One fault of these kinds that is enough, if there is one. To leave a fault out moves all decisions after it, so that the
 * others happen elsewhere: the one that matters may have to be looked for anew.
 */
async function singleFault(
  plan: Plan,
  fails: (plan: Plan) => Promise<boolean>,
  goOn: () => boolean,
): Promise<Plan | undefined> {
  const kinds = new Map(plan.faults.map((each) => [`${each.on} ${each.kind}`, each]));
  for (let at = 0; at < searched; at += 1) {
    for (const each of kinds.values()) {
      if (!goOn()) return undefined;
      const candidate = { ...plan, faults: [{ ...each, at }] };
      if (await fails(candidate)) return candidate;
    }
  }
  return undefined;
}

async function fewest<E>(
  all: readonly E[],
  fails: (rest: readonly E[]) => Promise<boolean>,
  goOn: () => boolean,
): Promise<readonly E[]> {
  let kept = all;
  for (
    let part = Math.ceil(kept.length / 2);
    part >= 1 && kept.length > 0;
    part = part === 1 ? 0 : Math.ceil(part / 2)
  ) {
    for (let from = 0; from < kept.length && goOn(); ) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + part)];
      if (await fails(rest)) kept = rest;
      else from += part;
    }
  }
  return kept;
}
