import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Metric, Parameter, RunSummary } from '../contract';
import {
  brief,
  delta,
  duration,
  groupParameters,
  metricKey,
  metricName,
  number,
  plain,
  shortDigest,
  shortName,
  when
} from '../format';
import { Breakable } from './breakable';
import { CompletenessView } from './completeness';

export interface IRunProps {
  run: RunSummary;
  /** What its metrics are compared with: each with the first that has it. */
  others: readonly RunSummary[];
  selected: boolean;
  onSelect: (selected: boolean) => void;
  onReveal: () => void;
  /** Somebody says that an inferred run is no training. */
  onDismiss: () => void;
  trans: TranslationBundle;
}

/** One tracked run. */
export function RunView(props: IRunProps): JSX.Element {
  const { run, others, selected, onSelect, onReveal, onDismiss, trans } = props;
  const { name } = run;
  return (
    <li
      className="nbmlops-Run"
      data-run-id={run.id}
      data-cell-id={run.cell_id ?? undefined}
      // The card in the notebook leads here.
      tabIndex={-1}
      aria-label={trans.__('%1, %2', name, when(run.started))}
    >
      <div className="nbmlops-Run-head">
        <input
          type="checkbox"
          checked={selected}
          onChange={event => onSelect(event.target.checked)}
          aria-label={trans.__('Compare %1 of %2', name, when(run.started))}
          title={trans.__('Compare with another run')}
        />
        <button
          type="button"
          className="nbmlops-Run-name"
          onClick={onReveal}
          disabled={run.cell_id === null}
          title={
            run.cell_id === null
              ? trans.__('%1: its cell is not known', run.model_class)
              : trans.__('%1: go to the cell that trained it', run.model_class)
          }
        >
          <Breakable text={name} />
        </button>
        {run.ended ? (
          <span
            className="nbmlops-Stale"
            title={trans.__('Its cell did not come to its end.')}
          >
            {run.ended}
          </span>
        ) : null}
        {run.stale.length > 0 ? (
          <span className="nbmlops-Stale" title={run.stale.join('\n')}>
            {trans.__('stale')}
          </span>
        ) : null}
        <time
          dateTime={run.started}
          title={`${new Date(run.started).toLocaleString()} · ${run.author} · ${run.id}`}
        >
          {when(run.started)}
        </time>
      </div>
      <div className="nbmlops-Run-facts">
        {run.inputs.length > 0 || run.data_digest ? (
          <DataFacts run={run} trans={trans} />
        ) : (
          <span>{trans.__('no data seen')}</span>
        )}
        <span title={trans.__('How long the training took')}>
          {duration(run.duration)}
        </span>
        {run.kind === 'training' ? null : <span>{run.kind}</span>}
        {run.kind === 'inferred' ? (
          <span>
            <button
              type="button"
              className="nbmlops-link"
              onClick={onDismiss}
              aria-label={trans.__('Dismiss %1: it is no training', name)}
              title={trans.__(
                'It is no training: hide it, and infer no run from cells like its own in this notebook'
              )}
            >
              {trans.__('dismiss')}
            </button>
          </span>
        ) : null}
        {run.execution_id ? (
          <span title={run.execution_id}>{trans.__('clean run or job')}</span>
        ) : null}
      </div>
      {run.metrics.length > 0 ? (
        <table
          className="nbmlops-Metrics"
          aria-label={trans.__('Metrics of %1', name)}
        >
          <tbody>
            {run.metrics.map(metric => (
              <MetricRow
                key={metricKey(metric)}
                metric={metric}
                others={others}
                trans={trans}
              />
            ))}
          </tbody>
        </table>
      ) : (
        <p className="nbmlops-hint">
          {trans.__('No metric yet. Compute one in any later cell.')}
        </p>
      )}
      <ParametersView parameters={run.parameters} trans={trans} />
      <CompletenessView run={run} trans={trans} />
    </li>
  );
}

function DataFacts(props: {
  run: RunSummary;
  trans: TranslationBundle;
}): JSX.Element {
  const { run, trans } = props;
  return (
    <>
      <span
        title={trans.__('Data digest: %1', run.data_digest || '–')}
        aria-label={trans.__('Data digest %1', shortDigest(run.data_digest))}
      >
        {trans.__('data')}{' '}
        <code>
          {run.data_digest ? shortDigest(run.data_digest) : trans.__('unknown')}
        </code>
      </span>
      <span title={inputsTitle(run)}>{size(run, trans)}</span>
    </>
  );
}

function MetricRow(props: {
  metric: Metric;
  others: readonly RunSummary[];
  trans: TranslationBundle;
}): JSX.Element {
  const { metric, others, trans } = props;
  const moved = delta(metric, others);
  return (
    <tr>
      <th scope="row" title={metricKey(metric)}>
        <Breakable text={metricName(metric)} />
        {metric.candidate ? (
          <span
            className="nbmlops-hint"
            title={trans.__('Read off the name of a variable')}
          >
            {' ?'}
          </span>
        ) : null}
        {metric.data ? (
          <>
            {' '}
            <span className="nbmlops-hint nbmlops-Metric-data">
              <Breakable text={metric.data} />
            </span>
          </>
        ) : null}
      </th>
      <td title={metric.value === null ? undefined : String(metric.value)}>
        {metric.value === null ? trans.__('not finite') : number(metric.value)}
      </td>
      <td
        className="nbmlops-Delta"
        data-verdict={moved?.verdict}
        title={
          moved
            ? trans.__(
                'Against %1, %2',
                moved.against.name,
                when(moved.against.started)
              )
            : undefined
        }
      >
        {moved?.text}
      </td>
    </tr>
  );
}

function ParametersView(props: {
  parameters: readonly Parameter[];
  trans: TranslationBundle;
}): JSX.Element | null {
  const { parameters, trans } = props;
  const { chosen, parts, defaults } = groupParameters(parameters);
  if (parameters.length === 0) {
    return null;
  }
  const rest = [...parts, ...defaults];
  return (
    <div className="nbmlops-Parameters">
      {chosen.length > 0 ? (
        <ul aria-label={trans.__('Parameters that differ from their default')}>
          {chosen.map(parameter => (
            <ParameterItem
              key={parameter.name}
              parameter={parameter}
              label={shortName(parameter.name, chosen)}
            />
          ))}
        </ul>
      ) : null}
      {rest.length > 0 ? (
        <details>
          <summary>
            {[
              parts.length > 0
                ? trans._n('%1 part', '%1 parts', parts.length)
                : '',
              defaults.length > 0
                ? trans._n('%1 default', '%1 defaults', defaults.length)
                : ''
            ]
              .filter(text => text !== '')
              .join(' · ')}
          </summary>
          <ul aria-label={trans.__('Parts, and parameters at their default')}>
            {rest.map(parameter => (
              <ParameterItem
                key={parameter.name}
                parameter={parameter}
                label={parameter.name}
              />
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}

function ParameterItem(props: {
  parameter: Parameter;
  label: string;
}): JSX.Element {
  const { name, value } = props.parameter;
  return (
    <li title={`${name} = ${plain(value)}`}>
      <div className="nbmlops-Parameter-text">
        <span>{props.label}</span> <code>{brief(value)}</code>
      </div>
    </li>
  );
}

function size(run: RunSummary, trans: TranslationBundle): string {
  const extent = run.inputs.find(input => input.extent.length > 0)?.extent;
  if (!extent) {
    return trans._n('%1 input', '%1 inputs', run.inputs.length);
  }
  return extent.length > 1
    ? extent.map(number).join(' × ')
    : trans._n('%1 row', '%1 rows', extent[0]);
}

function inputsTitle(run: RunSummary): string {
  return run.inputs
    .map(i => `${i.role}: ${i.name} (${i.kind}) ${i.digest || '–'}`)
    .join('\n');
}
