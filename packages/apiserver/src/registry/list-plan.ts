import { type RequestOptions, StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';
import { parseContinue } from './continue-token.ts';
import { checkListOptions, parseResourceVersion } from './resource-version.ts';

/** How a list is to be read. Neither `revision` nor `atLeast`: what is true now, across all servers. */
export interface ListPlan {
  readonly revision?: Revision;
  readonly atLeast?: Revision;
  readonly limit?: number;
  /** The first key. */
  readonly from?: string;
  /** It goes on with what an earlier page began. */
  readonly continues: boolean;
}

/**
 * The table of kubernetes.io/docs/reference/using-api/api-concepts, "the resourceVersion parameter" and "retrieving
 * large results sets in chunks". Throws a 400 or 422. What is not `cached` has nothing at hand.
 */
export function planList(options: RequestOptions, prefix: string, cached = true): ListPlan {
  checkListOptions(options, false);
  const asked = parseResourceVersion(options.resourceVersion);
  const limit = options.limit !== undefined && options.limit > 0 ? { limit: options.limit } : undefined;
  if (options.continue) {
    const { revision, from } = parseContinue(options.continue, prefix);
    if (asked !== undefined && asked !== 0) {
      throw StatusError.badRequest('specifying resource version is not allowed when using continue');
    }
    // As without continue: who asks for what is at hand gets all of it.
    return {
      ...(revision !== undefined && { revision }),
      from,
      ...((asked !== 0 || !cached) && limit),
      continues: true,
    };
  }
  if (asked === undefined) return { ...limit, continues: false };
  // Served from what is at hand, and all of it.
  if (asked === 0) return { atLeast: 0, ...(!cached && limit), continues: false };
  const exact = options.resourceVersionMatch === 'Exact' || (limit && !options.resourceVersionMatch);
  return { ...(exact ? { revision: asked } : { atLeast: asked }), ...limit, continues: false };
}
