"""``pyspark.ml`` in a real kernel on a real Spark."""

from __future__ import annotations

from .conftest import Kernel
from .run_facts import measured, told


def test_spark(kernel: Kernel) -> None:
    """Only the outermost fit counts; a feature estimator is preparation; evaluators find the run."""
    assert not kernel.trained(
        """
import numpy as np
from pyspark.sql import SparkSession
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
         .config("spark.sql.shuffle.partitions", "1").getOrCreate())
rows = [(float(a), float(b), float(a + b > 0)) for a, b in np.random.default_rng(0).normal(size=(120, 2))]
train_df = spark.createDataFrame(rows, ["a", "b", "label"])
test_df = train_df.limit(40)
assembler = VectorAssembler(inputCols=["a", "b"], outputCol="features")
scaled = StandardScaler(inputCol="features", outputCol="scaled").fit(assembler.transform(train_df))
"""
    )
    (run,) = kernel.trained(
        "lr = LogisticRegression(maxIter=3, regParam=0.1)\n"
        "fitted = Pipeline(stages=[assembler, lr]).fit(train_df)"
    )
    assert [gap.what for gap in run.gaps] == ["model"]
    assert told(run).items() >= {
        "LogisticRegression__maxIter": 3, "LogisticRegression__regParam": 0.1,
    }.items()  # fmt: skip
    assert "LogisticRegression__fitIntercept" not in told(run)
    assert [(i.name, i.fingerprint.rows) for i in run.inputs] == [("train_df", 120)]
    assert ("objective", 3) in measured(kernel, run)
    kernel.trained("scored = fitted.transform(test_df)")
    kernel.trained("auc = BinaryClassificationEvaluator().evaluate(scored)")
    assert ("areaUnderROC_test_df", 0) in measured(kernel, run)
    kernel.trained(
        "import pandas as pd\n"
        "pd.DataFrame(rows, columns=['a', 'b', 'label']).to_csv('points.csv', index=False)\n"
        "read_df = spark.read.csv('points.csv', header=True, inferSchema=True)"
    )
    (read,) = kernel.trained("again = Pipeline(stages=[assembler, lr]).fit(read_df)")
    assert [item.files for item in read.inputs] == [("points.csv",)]
    assert run.inputs[0].files == ()
    (search,) = kernel.trained(
        "grid = ParamGridBuilder().addGrid(lr.regParam, [0.01, 0.1]).build()\n"
        "judge = BinaryClassificationEvaluator(metricName='areaUnderPR')\n"
        "cv = CrossValidator(estimator=Pipeline(stages=[assembler, lr]), evaluator=judge,\n"
        "                    estimatorParamMaps=grid, numFolds=2).fit(train_df)\n"
        "spark.stop()"
    )
    assert told(search).items() >= {"numFolds": 2, "metricName": "areaUnderPR"}.items()
    candidates = search.tables["candidates"]
    assert [row["LogisticRegression__regParam"] for row in candidates] == [0.01, 0.1]
    assert ("best_areaUnderPR", 0) in measured(kernel, search)
