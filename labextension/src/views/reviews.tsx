import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { ReviewSummary } from '../contract';
import { shortDigest, when } from '../format';

export interface IReviewsProps {
  reviews: readonly ReviewSummary[];
  onOpen: (review: ReviewSummary) => void;
  trans: TranslationBundle;
}

/** The reviews that wait for somebody. */
export function ReviewsView(props: IReviewsProps): JSX.Element {
  const { reviews, onOpen, trans } = props;
  if (reviews.length === 0) {
    return (
      <p className="nbmlops-hint">
        {trans.__(
          'No review waits. A promoted run that is submitted for review appears here.'
        )}
      </p>
    );
  }
  return (
    <ul className="nbmlops-Reviews" aria-label={trans.__('Reviews waiting')}>
      {reviews.map(review => (
        <li
          key={review.id}
          className="nbmlops-Review"
          data-review-id={review.id}
          aria-label={trans.__('Review of %1', review.model_name)}
        >
          <div className="nbmlops-Review-head">
            <strong title={review.id}>{review.model_name}</strong>
            <time dateTime={review.at}>{when(review.at)}</time>
          </div>
          <div className="nbmlops-Run-facts">
            <span>{trans.__('by %1', review.author)}</span>
            <span title={trans.__('Content digest: %1', review.content_digest)}>
              {trans.__('content')}{' '}
              <code>{shortDigest(review.content_digest)}</code>
            </span>
          </div>
          {review.missing.length > 0 ? (
            <ul
              className="nbmlops-Missing"
              aria-label={trans.__('Still missing')}
            >
              {review.missing.map(sentence => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          ) : (
            <p className="nbmlops-Ready">
              {trans.__('Signed off. It can be registered.')}
            </p>
          )}
          <button
            type="button"
            className="nbmlops-button"
            onClick={() => onOpen(review)}
            title={trans.__(
              'Opens the review in a new cell below the active one'
            )}
          >
            {trans.__('Open review')}
          </button>
        </li>
      ))}
    </ul>
  );
}
