import type { AdmissionAttributes } from '@keelson/core/admission';

/**
 * Asked about every object of an API group that is to be created or changed, when all mutating admission is done and
 * before the object is given a name and found valid.
 */
export interface WriteGuard {
  readonly group: string;
  /** `asked`: the name in the path of the request, if there is one. Rejects with what the request is answered. */
  check(attributes: AdmissionAttributes, asked: string | undefined): Promise<void>;
}
