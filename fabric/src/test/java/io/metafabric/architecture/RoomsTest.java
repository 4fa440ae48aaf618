package io.metafabric.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The arrows of ARCHITECTURE.md, as rules that fail the build. */
class RoomsTest {
  static final JavaClasses PRODUCTION =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("test-classes"))
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("io.metafabric");

  static final List<String> ROOMS = List.of("cache", "predict", "replicate", "migrate");

  static ArchRule roomImportsNoOtherRoom(String room) {
    String[] others =
        ROOMS.stream()
            .filter(other -> !other.equals(room))
            .map(other -> "io.metafabric." + other + "..")
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage("io.metafabric." + room + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .orShould()
        .dependOnClassesThat()
        .resideInAnyPackage("io.metafabric", "io.metafabric.node..", "io.metafabric.host..");
  }

  @Test
  void noRoomImportsAnotherRoom_norTheFabric() {
    for (String room : ROOMS) {
      roomImportsNoOtherRoom(room).check(PRODUCTION);
    }
  }

  @Test
  void coreImportsTheJdkAndJSpecifyOnly() {
    classes()
        .that()
        .resideInAPackage("io.metafabric.core..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("io.metafabric.core..", "java..", "javax..", "org.jspecify..")
        .check(PRODUCTION);
  }

  static ArchRule onlyIn(String thirdParty, String... leaves) {
    return noClasses()
        .that(DescribedPredicate.not(resideInAnyPackage(leaves)))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(thirdParty);
  }

  @Test
  void eachThirdParty_staysInItsLeafPackage() {
    onlyIn("net.openhft..", "io.metafabric.cache.chronicle").check(PRODUCTION);
    onlyIn("io.netty..", "io.metafabric.replicate.netty", "io.metafabric.http").check(PRODUCTION);
    onlyIn("com.fasterxml..", "io.metafabric.http").check(PRODUCTION);
    onlyIn("com.github.luben..", "io.metafabric.replicate.zstd").check(PRODUCTION);
    onlyIn("org.tribuo..", "io.metafabric.predict.tribuo").check(PRODUCTION);
    onlyIn("com.oracle.labs..", "io.metafabric.predict.tribuo").check(PRODUCTION);
    onlyIn(
            "org.slf4j..",
            "io.metafabric.replicate.netty",
            "io.metafabric.http",
            "io.metafabric.node",
            "io.metafabric.host")
        .check(PRODUCTION);
  }

  /** It cannot be loaded without its library, which is the host's to bring. */
  @Test
  void theChronicleTier_isNamedWhereItWasChosen_andNowhereElse() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.metafabric.cache.chronicle")
        .and()
        .doNotHaveFullyQualifiedName("io.metafabric.host.WarmTiers$Chronicle")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("io.metafabric.cache.chronicle.ChronicleTier")
        .check(PRODUCTION);
    noClasses()
        .that()
        .haveSimpleNameNotStartingWith("ChronicleTier")
        .and()
        .arePublic()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("net.openhft..")
        .check(PRODUCTION);
  }

  @Test
  void theTribuoTrainer_isNamedWhereItIsKnownToBeThere_andNowhereElse() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.metafabric.predict.tribuo")
        .and()
        .doNotHaveFullyQualifiedName("io.metafabric.host.BackgroundTraining$Tribuo")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("io.metafabric.predict.tribuo.TribuoTrainer")
        .check(PRODUCTION);
  }

  @Test
  void everyThirdPartyThatIsUsed_hasARule() {
    Set<String> known =
        Set.of(
            "com.github.benmanes",
            "com.github.luben",
            "com.fasterxml.jackson.core",
            "net.openhft",
            "io.netty",
            "org.slf4j",
            "org.tribuo",
            "com.oracle.labs",
            "org.jspecify");
    noClasses()
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are of a third party without a rule",
                (JavaClass used) ->
                    !used.getPackageName().startsWith("java")
                        && !used.getPackageName().startsWith("io.metafabric")
                        && !used.getBaseComponentType().isPrimitive()
                        && known.stream()
                            .noneMatch(used.getBaseComponentType().getName()::startsWith)
                        && !used.getBaseComponentType().getName().startsWith("java")
                        && !used.getBaseComponentType().getName().startsWith("io.metafabric")))
        .check(PRODUCTION);
  }

  static final DescribedPredicate<JavaAccess<?>> TOUCHES_THE_WORLD =
      DescribedPredicate.describe(
          "touch clock, chance, threads, files or sockets",
          access -> {
            String owner = access.getTargetOwner().getName();
            String name = access.getName();
            boolean constructs = name.equals("<init>");
            return (owner.equals("java.lang.System")
                    && (name.equals("currentTimeMillis") || name.equals("nanoTime")))
                || (owner.startsWith("java.time.") && name.equals("now"))
                || (owner.equals("java.lang.Thread") && (constructs || name.equals("sleep")))
                || owner.equals("java.util.concurrent.Executors")
                || owner.equals("java.util.concurrent.ForkJoinPool")
                || owner.equals("java.util.concurrent.ThreadLocalRandom")
                || (owner.equals("java.lang.Math") && name.equals("random"))
                || (constructs
                    && (owner.equals("java.util.Random")
                        || owner.equals("java.security.SecureRandom")
                        || owner.equals("java.util.Timer")
                        || owner.endsWith("ThreadPoolExecutor")))
                || (owner.startsWith("java.io.File") || owner.startsWith("java.io.RandomAccess"))
                || owner.equals("java.nio.file.Files")
                || (owner.equals("java.nio.channels.FileChannel") && name.equals("open"))
                || owner.startsWith("java.net.");
          });

  static ArchRule reachesTheWorldThroughPortsAlone(String... packages) {
    return noClasses()
        .that()
        .resideInAnyPackage(packages)
        // At the edge: sockets, and the files of certificates.
        .and(
            DescribedPredicate.not(
                resideInAnyPackage(
                    "io.metafabric.replicate.netty..", "io.metafabric.replicate.tls..")))
        .should()
        .accessTargetWhere(TOUCHES_THE_WORLD);
  }

  @Test
  void roomsAndNode_reachTheWorldThroughPortsAlone() {
    reachesTheWorldThroughPortsAlone(
            "io.metafabric.core..",
            "io.metafabric.cache..",
            "io.metafabric.predict..",
            "io.metafabric.replicate..",
            "io.metafabric.migrate..",
            "io.metafabric.node..")
        .check(PRODUCTION);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.metafabric.(**)").should().beFreeOfCycles().check(PRODUCTION);
  }

  static ArchRule noStaticMutableState() {
    return fields()
        .that()
        .areStatic()
        .and()
        .doNotHaveModifier(JavaModifier.SYNTHETIC)
        .should()
        .beFinal();
  }

  @Test
  void noStaticFieldChanges_andNothingUsesJavaSerialization() {
    noStaticMutableState().check(PRODUCTION);
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectInputStream")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectOutputStream")
        .check(PRODUCTION);
  }

  @Test
  void theRulesSeeAllRooms() {
    for (String room : ROOMS) {
      assertThat(PRODUCTION.that(resideInAPackage("io.metafabric." + room + "..")))
          .as(room)
          .isNotEmpty();
    }
    assertThat(PRODUCTION.that(resideInAPackage("io.metafabric.core.."))).isNotEmpty();
    assertThat(PRODUCTION.that(alwaysTrue()).size()).isGreaterThan(100);
  }

  @Test
  void theRules_canFail() {
    JavaClasses offenders =
        new ClassFileImporter().importPackages("io.metafabric.architecture.fixture");
    assertThatThrownBy(
            () ->
                reachesTheWorldThroughPortsAlone("io.metafabric.architecture.fixture")
                    .check(offenders))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("nanoTime");
    assertThatThrownBy(() -> onlyIn("org.slf4j..", "nowhere").check(offenders))
        .isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> noStaticMutableState().check(offenders))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("count");
    assertThatThrownBy(
            () ->
                noClasses()
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.metafabric.cache..")
                    .check(offenders))
        .isInstanceOf(AssertionError.class);
  }
}
