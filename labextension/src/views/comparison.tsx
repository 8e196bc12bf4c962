import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { compareRuns, IDifference } from '../comparison';
import { RunSummary } from '../contract';
import { brief, className, when } from '../format';
import { Breakable } from './breakable';

/** What differs between two runs. */
export function ComparisonView(props: {
  older: RunSummary;
  newer: RunSummary;
  onClose: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { older, newer, onClose, trans } = props;
  const differences = compareRuns(older, newer);
  // What has none leaves its room to the values.
  const moved = differences.some(row => row.delta !== null);
  return (
    <section
      className="nbmlops-Comparison"
      aria-label={trans.__('Comparison of two runs')}
    >
      <div className="nbmlops-Section-head">
        <h3>{trans.__('What differs')}</h3>
        <button type="button" onClick={onClose} className="nbmlops-link">
          {trans.__('Close')}
        </button>
      </div>
      {differences.length === 0 ? (
        <p className="nbmlops-hint">
          {trans.__(
            'Nothing: model, data, parameters and metrics are the same.'
          )}
        </p>
      ) : (
        <table className={moved ? 'nbmlops-Comparison-moved' : undefined}>
          <thead>
            <tr>
              <th scope="col">
                <span className="nbmlops-hidden">{trans.__('What')}</span>
              </th>
              <th scope="col" title={older.name}>
                {when(older.started)}
              </th>
              <th scope="col" title={newer.name}>
                {when(newer.started)}
              </th>
              {moved ? (
                <th scope="col">
                  <span className="nbmlops-hidden">{trans.__('Change')}</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {differences.map(row => (
              <tr key={`${row.kind} ${row.name}`}>
                <th scope="row" title={`${row.kind}: ${row.name}`}>
                  <Breakable
                    text={
                      row.kind === 'parameter'
                        ? row.name.replace(/^.*__/, '')
                        : row.name
                    }
                  />
                </th>
                <td title={row.older}>
                  <Breakable text={shown(row, row.older, row.newer)} />
                </td>
                <td title={row.newer}>
                  <Breakable text={shown(row, row.newer, row.older)} />
                </td>
                {moved ? (
                  <td
                    className="nbmlops-Delta"
                    data-verdict={row.delta?.verdict}
                  >
                    {row.delta?.text}
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** A side's text as far as there is room; whole where the other side's would look the same. */
function shown(row: IDifference, text: string, other: string): string {
  if (row.kind === 'model') {
    return className(text);
  }
  const short = fewDigits(text);
  return row.kind === 'parameter' && short !== fewDigits(other) ? short : text;
}

function fewDigits(text: string): string {
  return /^-?\d+\.\d{7,}$/.test(text) ? brief(Number(text)) : text;
}
