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

const definitions = /^customresourcedefinitions\.apiextensions\.k8s\.io\//;
/** The only place where a difference is excused. An entry that matches nothing in a full run is reported. */
export const meantDifferences: readonly MeantDifference[] = [
  {
    reason:
      'no check or path of what is not here: queues of priority and fairness, leases and legacy tokens of servers, aggregation',
    kind: /^server$/,
    path: /^body(\.paths)?$/,
    expected:
      /poststarthook\/(priority-and-fairness-(config-consumer|filter)|start-kube-apiserver-identity-lease|start-legacy-token-tracking|aggregator-|start-kube-aggregator|apiservice-(status-remote|registration|discovery|openapi))/,
  },
  {
    reason:
      'the real server crashes over elements of a list that cannot be told apart by a key, and over objects in another order than its patch says, and closes the connection',
    path: /^status$/,
    expected: /^"0"$/,
    got: /^"(400 BadRequest: what is ordered or merged must be |500 : The order in patch list:\\n\[map\[)/,
  },
  {
    reason: 'documents without prose have other hashes',
    kind: /^server$/,
    path: /^body$/,
    expected: /\/openapi\/v3\/[^"]*\?hash=/,
  },
  {
    reason: 'a version says that it is Keelson, and what it was not built with',
    kind: /^server$/,
    path: /^body\.(gitVersion|gitCommit|gitTreeState|goVersion|compiler|buildDate|platform)$/,
  },
  {
    reason: "the prose of the API's documentation is not carried over into OpenAPI, in protobuf either",
    kind: /^server$/,
    path: /^body\["<unreadable>"\]$/,
    expected: /^"\\n\\u00032\.0/,
  },
  {
    reason: 'the parts of this control plane are no servers whose health could be asked for one by one',
    kind: /^componentstatuses\/v1$/,
    path: /^body\.(items|rows)\[\d\]$/,
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
    path: /^body\.(definitions|paths|components|parameters|securityDefinitions)\b.*\.description$/,
  },
  {
    reason:
      'the real server crashes over fields to select by where there is no schema that it can read, and closes the connection',
    kind: definitions,
    path: /^status$/,
    expected: /^"0"$/,
    got: /^"422 Invalid: CustomResourceDefinition\.apiextensions\.k8s\.io .*(openAPIV3Schema|selectableFields)/,
  },
];
