/**
 * Tests that wait without end for a part that Keelson does not have yet: with one of them a run neither ends nor comes
 * to its serial tests. They run only where `--match` asks for them.
 */
export const withoutEnd: ReadonlyMap<string, string> = new Map([
  [
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]',
    'admission policies are kept, not enforced',
  ],
  [
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]',
    'admission policies are kept, not enforced',
  ],
]);
