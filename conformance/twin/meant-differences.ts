/** A difference that is meant: where, and why. All that is given must match. */
export interface MeantDifference {
  readonly reason: string;
  /** `resource.group/version`. */
  readonly kind?: RegExp;
  readonly path: RegExp;
  /** On the JSON of the value. */
  readonly expected?: RegExp;
  readonly got?: RegExp;
}

/** The only place where a difference is excused. An entry that matches nothing in a full run is reported. */
export const meantDifferences: readonly MeantDifference[] = [
  {
    reason: 'priority and fairness does not queue requests here, and so has no schema or level to name',
    path: /^header\.x-kubernetes-pf-(flowschema|prioritylevel)-uid$/,
    got: /^absent$/,
  },
  {
    reason: "the prose of the API's documentation is not carried over",
    path: /\.columnDefinitions\[\d+\]\.description$/,
    got: /^""$/,
  },
  {
    reason: "the prose of the API's documentation is not carried over into OpenAPI",
    kind: /^server$/,
    path: /^body\.(definitions|paths|components|parameters)\b.*\.description$/,
  },
];
