"""How well the predictions hold on data sets, domains, families and studies that they have not seen."""
