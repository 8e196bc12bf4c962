// Generated from contract.schema.json by `jlpm contract`. Change the records instead.

/**
 * Everything that crosses the wire between the server and the panel.
 */
export interface Contract {
  TrackedRun: TrackedRun;
  Review: Review;
  RunSummary: RunSummary;
  RunList: RunList;
  ReviewSummary: ReviewSummary;
  ServerStatus: ServerStatus;
  SignOffRequest: SignOffRequest;
  DismissalRequest: DismissalRequest;
  Failure: Failure;
  RecordsChanged: RecordsChanged;
}
/**
 * A training, whole: another person can trust it and run it again.
 *
 * `cells` is the slice: the executed cells that the model depends on, in order, the training cell
 * last. `metric_cells` computed its metrics afterwards; `metric_sources` are the other cells that
 * these rest on, such as one that read the test data. `notebook` is a path relative to the
 * project's root where it lies inside. `mlflow_run_id` is None until the record is delivered;
 * `mlflow_tracking_uri` says to which MLflow.
 * `execution_id` names the clean run or scheduled execution that it was part of, if any.
 * `duration` is in seconds; `completeness` runs from 0 to 1. `kind` tells a library's training
 * from one that was inferred from the code or forced by ``%%track``. `stale` says in sentences
 * what has changed under the model since; `redacted` names what was hidden because it looks like a
 * secret. `parent_id` joins the runs of a cell that trained several models. `tables` hold a
 * search's candidates, a curve, or trainings past the first 50 of a cell, one dict a row.
 * `peak_memory` is the process's largest resident size seen during the training, in bytes.
 * `outputs` are the cell's text and figures. `notebook_digest` names the saved notebook's file,
 * where it holds the cell as it ran.
 * `dismissed_by` is who has said that an inferred run is no training.
 */
export interface TrackedRun {
  id: string;
  name: string;
  author: string;
  notebook: string | null;
  started: string;
  duration: number;
  kind: 'cross-validation' | 'forced' | 'inferred' | 'training';
  parent_id: string | null;
  tags: {
    [k: string]: string;
  };
  model_class: string;
  cell: CellRecord;
  cells: CellRecord[];
  metric_cells: CellRecord[];
  metric_sources: CellRecord[];
  parameters: Parameter[];
  metrics: Metric[];
  inputs: DataInput[];
  data_digest: string;
  environment: Environment;
  gaps: Gap[];
  completeness: number;
  stale: string[];
  redacted: string[];
  tables: {
    [k: string]: {
      [k: string]: boolean | number | string | null;
    }[];
  };
  peak_memory: number | null;
  outputs: Output[];
  notebook_digest: string | null;
  execution_id: string | null;
  dismissed_by: string | null;
  mlflow_run_id: string | null;
  mlflow_experiment_id: string | null;
  mlflow_model_uri: string | null;
  mlflow_tracking_uri: string | null;
}
/**
 * One execution of one cell, as it ran (the notebook may have been edited since).
 *
 * `order` counts executions within the session from 1; `duration` is in seconds; `cell_id` is
 * nbformat's id where the front end tells it. `reads` and `writes` are global names. A cell that
 * was not `seen` ran while tracking was off: its source is the shell's, when it `started` is when
 * tracking began, and neither its files nor, before IPython 9, its outcome is known.
 */
export interface CellRecord {
  cell_id: string | null;
  source: string;
  source_digest: string;
  execution_count: number;
  order: number;
  started: string;
  duration: number;
  outcome: 'error' | 'ok';
  error: string | null;
  reads: string[];
  writes: string[];
  files_read: string[];
  files_written: string[];
  seen: boolean;
}
/**
 * One of a model's parameters, spelled as its library spells it.
 */
export interface Parameter {
  name: string;
  value: boolean | number | string | null;
  is_default: boolean;
}
/**
 * One number that says how good a model is.
 *
 * `value` is None where the number was not finite. `data` names what it was computed on, where
 * that is known. `cell_id` is the cell that computed it. A `candidate` was read off a name such as
 * ``rmse`` rather than off a metric function. `step` counts epochs or iterations from 0.
 */
export interface Metric {
  name: string;
  value: number | null;
  at: string;
  data: string | null;
  cell_id: string | null;
  candidate: boolean;
  step: number;
}
/**
 * An object that went into a training: its role, its name in the notebook, its content.
 *
 * `files` are those that were read on the way to it, `made_by` the execution counts of the cells
 * that made it.
 */
export interface DataInput {
  role: string;
  name: string;
  fingerprint: Fingerprint;
  files: string[];
  made_by: number[];
}
/**
 * The full content of a data object, by name: equal content, equal `digest`.
 *
 * `kind` says what it was (``table``, ``column``, ``array``, ``file`` ...); an object that nbmlops
 * cannot read has kind ``unknown``, no digest, and the `reason`. `shape` is an array's, and `rows`
 * its first axis. `nbytes` counts the bytes of content that were hashed. `multiset_digest` names
 * the rows whatever their order; it is computed where the engine has no row order (kind ``rows``)
 * or where it was asked for.
 */
export interface Fingerprint {
  format: string;
  kind: string;
  digest: string;
  rows: number | null;
  nbytes: number;
  columns: ColumnFingerprint[];
  name: string | null;
  reason: string | null;
  shape: number[] | null;
  multiset_digest: string | null;
}
/**
 * One column's content and cheap statistics.
 *
 * `digest` is 64 hex characters and covers type, row count and every value, not the name. `chunks`
 * is base64 of the 32-byte digests of its runs of 65,536 rows, in order; it is empty where there
 * is but one run. `index` marks a level of a pandas index.
 */
export interface ColumnFingerprint {
  name: string;
  type: string;
  digest: string;
  nulls: number;
  summary: {
    [k: string]: boolean | number | string | (string | number)[][] | null;
  };
  chunks: string;
  index: boolean;
}
/**
 * What the cell ran on: the interpreter, the imported packages and the source revision.
 *
 * `local_modules` are the imported files that no package brought, with their BLAKE3-256 digests;
 * `seeds` are the calls and arguments that seeded a random generator, as written.
 */
export interface Environment {
  python: string;
  platform: string;
  packages: {
    [k: string]: string;
  };
  git: GitState | null;
  local_modules: {
    [k: string]: string;
  };
  seeds: string[];
}
/**
 * The commit that a notebook ran on; `dirty` when the working tree differed from it.
 *
 * `changed` are the files that differed, `diff_digest` the BLAKE3-256 of the difference (notebooks
 * left out, secrets hidden) that stands among the run's artifacts as ``nbmlops/git.diff``.
 */
export interface GitState {
  commit: string;
  branch: string;
  dirty: boolean;
  changed: string[];
  diff_digest: string;
}
/**
 * Something that was not captured, and why.
 */
export interface Gap {
  what: string;
  why: string;
}
/**
 * Something that the training cell showed, as the artifact ``nbmlops/outputs/{name}``.
 */
export interface Output {
  name: string;
  mime: string;
  nbytes: number;
  digest: string;
}
/**
 * A submission with its sign-offs and what the policy still asks for: always computed.
 *
 * `uncounted` says of each sign-off that does not count why. `policy` names the version and tier
 * that it was judged by.
 */
export interface Review {
  submission: Submission;
  sign_offs: SignOff[];
  status:
    'approved' | 'registered' | 'rejected' | 'stale' | 'waiting' | 'withdrawn';
  missing: string[];
  registration: Registration | null;
  findings: Finding[];
  uncounted: string[];
  withdrawal: Withdrawal | null;
  policy: string;
}
/**
 * A promotion laid before reviewers. A sign-off binds to `content_digest` and `dossier`.
 *
 * `dossier` is the sealed evidence with what was attached; submissions from before there were
 * dossiers have none. `mlflow_run_id` is the clean run in MLflow: who may read that, may read what
 * was sealed.
 */
export interface Submission {
  id: string;
  promotion_id: string;
  model_name: string;
  content_digest: string;
  author: string;
  at: string;
  evidence: Evidence;
  dossier: Bundle | null;
  mlflow_run_id: string | null;
}
/**
 * What a reviewer looks at, gathered at submission and sealed as the review's dossier.
 *
 * `files` are the sealed content's, with their digests. `champion` is None where the model has
 * none yet, or where it is this very content. What is not known is a gap.
 */
export interface Evidence {
  model_class: string;
  notebook: string;
  code: string[];
  parameters: Parameter[];
  metrics: Metric[];
  clean_run: MetricAgreement[];
  clean_run_agrees: boolean;
  inputs: DataInput[];
  gaps: Gap[];
  completeness: number;
  executions: string[];
  run_ids: string[];
  data_digest: string;
  environment: Environment | null;
  files: BundleFile[];
  champion: Comparison | null;
  model_card: {
    [k: string]: string;
  };
  notes: string[];
  attachments: BundleFile[];
}
/**
 * A tracked metric beside the clean run's; they agree within `tolerance` (relative).
 */
export interface MetricAgreement {
  name: string;
  tracked: number | null;
  clean: number | null;
  tolerance: number;
  agrees: boolean;
}
/**
 * One file of a bundle: its path inside (with ``/``), BLAKE3-256 digest and size in bytes.
 */
export interface BundleFile {
  path: string;
  digest: string;
  size: number;
}
/**
 * A submission beside the model's champion as it was on that day.
 *
 * `code` is a unified diff of the cells. `metrics` holds each metric that either has; the others
 * hold only what differs.
 */
export interface Comparison {
  version: string;
  review_id: string;
  content_digest: string;
  code: string[];
  data: DataChange[];
  parameters: Change[];
  metrics: Change[];
  environment: Change[];
}
/**
 * How one input differs, in sentences about its rows and columns.
 */
export interface DataChange {
  role: string;
  name: string;
  sentences: string[];
}
/**
 * One value beside what it was; None where there was, or is, none.
 */
export interface Change {
  name: string;
  before: boolean | number | string | null;
  after: boolean | number | string | null;
}
/**
 * Everything that production needs, under one content digest.
 *
 * `digest` is taken over the sorted `files`, so it changes when any path or any byte does.
 */
export interface Bundle {
  digest: string;
  files: BundleFile[];
}
/**
 * One person's verdict on exactly one content, and what it allows (`scopes`) until `expires`.
 *
 * `envelope` holds the signed statement; without one the sign-off is self-asserted and unsigned.
 */
export interface SignOff {
  id: string;
  review_id: string;
  content_digest: string;
  verdict: 'approved' | 'approved with conditions' | 'rejected';
  comment: string;
  by: Identity;
  at: string;
  scopes: string[];
  expires: string | null;
  nonce: string;
  envelope: Envelope | null;
}
/**
 * Who did it, and who vouches for the name.
 *
 * ``self`` means that the person's own machine said so; ``server`` that a server authenticated it.
 * `roles` are those that the server gives the person; nobody's own machine can give any.
 */
export interface Identity {
  name: string;
  asserted_by: 'self' | 'server';
  roles: string[];
}
/**
 * A DSSE envelope: `payload` is base64 of the signed bytes, which `payload_type` names.
 */
export interface Envelope {
  payload: string;
  payloadType: string;
  signatures: Signature[];
}
/**
 * One signature of a DSSE envelope: the key's id, and the signature in base64.
 */
export interface Signature {
  keyid: string;
  sig: string;
}
/**
 * A model version that entered the registry, and the sign-offs that let it in.
 *
 * `alias` is the one that moved to it then, if one did: MLflow's own client moves none.
 */
export interface Registration {
  id: string;
  review_id: string;
  model_name: string;
  version: string;
  alias: string | null;
  content_digest: string;
  sign_off_digests: string[];
  by: Identity;
  at: string;
}
/**
 * Something that a reviewer asks to be settled, pinned to a code cell or a metric.
 *
 * `cell` counts the evidence's code cells from 1. `sign_off_id` names the approval whose condition
 * it is. It is open until it has a `resolution`.
 */
export interface Finding {
  id: string;
  review_id: string;
  text: string;
  by: Identity;
  at: string;
  cell: number | null;
  metric: string | null;
  sign_off_id: string | null;
  resolution: Resolution | null;
}
/**
 * How a finding was settled; `envelope` holds its signature, if it has one.
 */
export interface Resolution {
  finding_id: string;
  note: string;
  by: Identity;
  at: string;
  envelope: Envelope | null;
}
/**
 * An approval that was suspended: sign-offs given before it no longer count.
 *
 * It holds with and without a signature, which `envelope` has.
 */
export interface Withdrawal {
  id: string;
  review_id: string;
  model_name: string;
  version: string | null;
  content_digest: string;
  reason: string;
  by: Identity;
  at: string;
  envelope: Envelope | null;
}
/**
 * A tracked run as a list shows it: without sources, packages and columns.
 *
 * `cell_id` is the training cell's. `delivered` says whether MLflow has it, `page` is where a
 * server's UI shows it. `duration` is in seconds; `captured` is the completeness in percent. Of a
 * metric that was logged step by step, `metrics` holds the last. `kind` and `stale` are the
 * record's own, as `parent_id` is, which joins the runs of a cell that left several. `ended` says
 * how a cell ended that did not come to its end.
 */
export interface RunSummary {
  id: string;
  name: string;
  author: string;
  notebook: string | null;
  started: string;
  duration: number;
  kind: string;
  model_class: string;
  cell_id: string | null;
  execution_count: number;
  parameters: Parameter[];
  metrics: Metric[];
  inputs: InputSummary[];
  data_digest: string;
  gaps: Gap[];
  stale: string[];
  captured: number;
  ended: string;
  delivered: boolean;
  page: string | null;
  execution_id: string | null;
  parent_id: string | null;
  dismissed_by: string | null;
}
/**
 * A training's input without its columns: `extent` is its shape, or its rows and columns.
 */
export interface InputSummary {
  role: string;
  name: string;
  kind: string;
  digest: string;
  extent: number[];
  files: string[];
}
/**
 * The latest `runs`, newest first, of as many as `total` says.
 */
export interface RunList {
  runs: RunSummary[];
  total: number;
}
/**
 * A review as a list shows it; `missing` holds one sentence for each thing still asked for.
 */
export interface ReviewSummary {
  id: string;
  model_name: string;
  author: string;
  at: string;
  notebook: string;
  content_digest: string;
  status:
    'approved' | 'registered' | 'rejected' | 'stale' | 'waiting' | 'withdrawn';
  missing: string[];
  approvals: number;
  rejections: number;
}
/**
 * Which project this server serves, and as whom it would sign.
 */
export interface ServerStatus {
  version: string;
  root: string;
  identity: Identity;
  runs: number;
  undelivered: number;
  reviews_waiting: number;
}
/**
 * The body of ``POST reviews/{id}/sign-offs``. Who signs is never part of it.
 */
export interface SignOffRequest {
  verdict: 'approved' | 'approved with conditions' | 'rejected';
  comment?: string;
}
/**
 * The body of ``POST runs/{id}/dismissal``; `undo` takes one back. Who says so is not in it.
 */
export interface DismissalRequest {
  undo?: boolean;
}
/**
 * The body of every answer that is not a success; `missing` is empty unless a policy refused.
 *
 * `message` says what is wrong and what to do next.
 */
export interface Failure {
  message: string;
  missing: string[];
}
/**
 * The event that something was recorded: ids alone, so that reading them stays authorized.
 */
export interface RecordsChanged {
  noun: 'review' | 'run';
  ids: string[];
}
